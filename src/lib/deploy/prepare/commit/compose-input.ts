import { createHash } from "node:crypto";
import type { TarEntry } from "../../../adapters/tar.ts";
import { quoteDotenv } from "../../../config/values/dotenv.ts";
import type { ComposeFiles } from "../../../compose/files/compose-files.ts";

export interface ComposeInput {
  composeFiles: ComposeFiles;
  /** As they are merged, by path in the repository. */
  listed: readonly string[];
  /** Absent where the environment has none. */
  dotenv?: ReadonlyMap<string, string>;
  /** The commit's own `.env`, where Compose would read it. */
  defaults?: Uint8Array;
  /** For interpolation, beside the dotenv's. */
  variables: Readonly<Record<string, string>>;
  /** What runs on the host. */
  script: readonly TarEntry[];
  /** Whether the host is to stay as it is, and so to keep nothing for the next time. */
  isDryRun: boolean;
}

/** Another one where the script merges files in another way: what it kept of the former is not what it would make now. */
const way = "with PWD";

/**
 * Names what the Compose files come to: a host that has merged the same files, with the same variables, need not do it
 * again. Variables that no file mentions, such as the commit most often, do not count. Undefined where nothing is to be kept,
 * or the host's own files count, too.
 */
function modelKey({ composeFiles, listed, dotenv, defaults, variables, isDryRun }: ComposeInput): string | undefined {
  const { files, variables: mentioned, isWhole } = composeFiles;
  if (!isWhole || isDryRun) return undefined;
  const hash = createHash("sha256");
  const used = Object.entries(variables).filter(([name]) => mentioned.has(name));
  const own = defaults && Buffer.from(defaults).toString("base64");
  hash.update(JSON.stringify([way, listed, dotenv && [...dotenv], own, used.toSorted(([a], [b]) => (a < b ? -1 : 1))]));
  for (const [path, content] of files) hash.update(`\0${path}\0${content.length}\0`).update(content);
  return hash.digest("hex");
}

/** What `observe` needs on the host to merge the Compose files there; docs/protocol.md describes it. */
export function observeEntries(input: ComposeInput): TarEntry[] {
  const { composeFiles, listed, dotenv, defaults, variables, script } = input;
  const key = modelKey(input);
  return [
    ...script,
    ...(dotenv === undefined ? [] : [{ path: "dotenv", content: quoteDotenv(dotenv) }]),
    ...(defaults === undefined ? [] : [{ path: "defaults", content: defaults }]),
    { path: "environment", content: quoteDotenv(new Map(Object.entries(variables))) },
    { path: "arguments", content: listed.map((path) => `${path}\n`).join("") },
    ...(key === undefined ? [] : [{ path: "key", content: key }]),
    ...[...composeFiles.files].map(([path, content]) => ({ path: `compose/${path}`, content })),
  ];
}
