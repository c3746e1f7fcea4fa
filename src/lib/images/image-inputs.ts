import type { ImageConfig } from "../config/config.ts";
import { isWithin, joinPaths } from "./path.ts";

/** What an image is made from, relative to the configuration's folder: its context, and its Dockerfile where that lies elsewhere. */
export function inputsOf({ context, dockerfile }: Pick<ImageConfig, "context" | "dockerfile">): string[] {
  const file = joinPaths(context, dockerfile);
  return isWithin(file, context) ? [context] : [context, file];
}
