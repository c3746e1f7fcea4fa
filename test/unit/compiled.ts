import { fileURLToPath } from "node:url";

/** The environment with which our own sources start as fast as the built command: Node.js keeps their compiled form here. */
export const keepsCompiled = { NODE_COMPILE_CACHE: fileURLToPath(new URL("../../.tools/compiled", import.meta.url)) };
