import { createHash } from "node:crypto";
import type { TarEntry } from "../../../adapters/tar.ts";
import { quoteDotenv } from "../../../config/values/dotenv.ts";
import type { ComposeFiles } from "../../../compose/files/compose-files.ts";

export interface ComposeInput {
  composeFiles: ComposeFiles;
  /** Paths in the repository, in the order in which they are merged. */
  listed: readonly string[];
  /** Absent if the environment has none. */
  dotenv?: ReadonlyMap<string, string>;
  /** The commit's own `.env`, if Compose would read it. */
  defaults?: Uint8Array;
  /** Variables for interpolation, in addition to those of the dotenv. */
  variables: Readonly<Record<string, string>>;
  /** The script that runs on the host. */
  script: readonly TarEntry[];
  /** Whether the host must stay as it is, and so must not cache anything for the next time. */
  isDryRun: boolean;
}

/** Change this when the script merges files differently: models that hosts have cached are then no longer valid. */
const way = "with PWD";

/**
 * The key of the merged model. A host that has merged the same files with the same variables need not do it again. Variables that
 * no file mentions do not count; most often the commit is one of them. Undefined if nothing is to be cached, or if the host's own
 * files count, too.
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

/** The files that `observe` needs on the host to merge the Compose files there; docs/protocol.md describes them. */
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
