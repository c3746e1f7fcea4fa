import type { TarEntry } from "../adapters/tar.ts";
import { quoteDotenv } from "../config/dotenv.ts";
import type { ComposeFiles } from "../release/compose-files.ts";

export interface ComposeInput {
  composeFiles: ComposeFiles;
  /** As they are merged, by path in the repository. */
  listed: readonly string[];
  dotenv: ReadonlyMap<string, string>;
  /** For interpolation, beside the dotenv's. */
  variables: Readonly<Record<string, string>>;
  /** What runs on the host. */
  script: readonly TarEntry[];
}

/** What `observe` needs on the host to merge the Compose files there; docs/architecture.md describes it. */
export function observeEntries({ composeFiles, listed, dotenv, variables, script }: ComposeInput): TarEntry[] {
  return [
    ...script,
    { path: "dotenv", content: quoteDotenv(dotenv) },
    { path: "environment", content: quoteDotenv(new Map(Object.entries(variables))) },
    { path: "arguments", content: listed.map((path) => `${path}\n`).join("") },
    ...[...composeFiles.files].map(([path, content]) => ({ path: `compose/${path}`, content })),
  ];
}
