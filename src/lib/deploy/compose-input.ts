import { createHash } from "node:crypto";
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
  /** Whether the host is to stay as it is, and so to keep nothing for the next time. */
  isDryRun: boolean;
}

/**
 * Names what the Compose files come to: a host that has merged the same files, with the same variables, need not do it
 * again. Variables that no file mentions, such as the commit most often, do not count. Undefined where nothing is to be kept,
 * or the host's own files count, too.
 */
function modelKey({ composeFiles, listed, dotenv, variables, isDryRun }: ComposeInput): string | undefined {
  const { files, variables: mentioned, isWhole } = composeFiles;
  if (!isWhole || isDryRun) return undefined;
  const hash = createHash("sha256");
  const used = Object.entries(variables).filter(([name]) => mentioned.has(name));
  hash.update(JSON.stringify([listed, [...dotenv], used.toSorted(([a], [b]) => (a < b ? -1 : 1))]));
  for (const [path, content] of files) hash.update(`\0${path}\0${content.length}\0`).update(content);
  return hash.digest("hex");
}

/** What `observe` needs on the host to merge the Compose files there; docs/architecture.md describes it. */
export function observeEntries(input: ComposeInput): TarEntry[] {
  const { composeFiles, listed, dotenv, variables, script } = input;
  const key = modelKey(input);
  return [
    ...script,
    { path: "dotenv", content: quoteDotenv(dotenv) },
    { path: "environment", content: quoteDotenv(new Map(Object.entries(variables))) },
    { path: "arguments", content: listed.map((path) => `${path}\n`).join("") },
    ...(key === undefined ? [] : [{ path: "key", content: key }]),
    ...[...composeFiles.files].map(([path, content]) => ({ path: `compose/${path}`, content })),
  ];
}
