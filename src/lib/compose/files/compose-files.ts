import { ColdtivateError } from "../../errors.ts";
import type { ComposeNaming } from "./compose-naming.ts";
import { walkComposeFiles, type ComposeWalk, type ReadSource } from "./compose-walk.ts";
import { envFileReferences } from "./env-file.ts";
import { interpolateCompose, interpolatedVariables } from "./interpolate.ts";

export { normalise } from "./compose-walk.ts";

export interface ComposeFiles {
  /** What `docker compose config` has to read, by path in the repository. */
  files: Map<string, Uint8Array>;
  /** Names of the variables that the files interpolate. */
  variables: Set<string>;
  /** The files that refer to a variable in something that Compose interpolates, by the variable's name. */
  references: Map<string, string[]>;
  /** Whether everything that the merge reads is included. Then the same variables give the same result on any machine. */
  isWhole: boolean;
  /** What the files themselves name. */
  naming: ComposeNaming;
}

/** The environment's dotenv, in the forms that env files of services may need. */
export interface StandIn {
  /** Paths that it replaces if the commit does not have them. */
  paths: readonly string[];
  /** With every value quoted, so that it arrives character for character. */
  quoted: string;
  /** As it was supplied. */
  raw: string;
}

export interface ComposeFilesOptions {
  /** For interpolation in paths. */
  variables: Readonly<Record<string, string>>;
  standIn?: StandIn;
  /** Active Compose profiles. By default, all are active. */
  profiles?: readonly string[];
  /** Services that are needed even if a profile hides them, because tasks run in them. */
  needed?: readonly string[];
}

/** The value of DOT_ENV_PATH in paths. The dotenv lies beside what is sent, so this is no path of the repository. */
export const dotenvPlace = "/dotenv of the environment";

/**
 * Collects the Compose files of an environment and everything that the merge reads: files that they include or extend, env files
 * and label files. A Compose file that the commit does not have is an error. A missing env file is left to Compose, which knows
 * whether it is required.
 *
 * @param listed paths in the repository, in the order in which they are merged
 * @throws ColdtivateError COMPOSE_FILE_MISSING, COMPOSE_INVALID
 */
export async function collectComposeFiles(
  listed: readonly string[],
  read: ReadSource,
  { variables, standIn, ...hiding }: ComposeFilesOptions,
): Promise<ComposeFiles> {
  const walk = await walkComposeFiles(listed, read, variables);
  // Report invalid files first: they may name files that nobody meant.
  refuseInvalid(walk);
  refuseMissing(walk);
  const files = new Map(walk.visited.map(({ path, content }) => [path, content]));
  for (const path of standIn?.paths ?? []) {
    const users = walk.envFiles.filter((file) => file.path === path);
    if (standIn === undefined || files.has(path) || users.length === 0) continue;
    files.set(path, new TextEncoder().encode(users.some(({ raw }) => raw) ? standIn.raw : standIn.quoted));
  }
  for (const path of missedByHidden(walk, files, { variables, ...hiding })) files.set(path, new Uint8Array());
  return {
    files,
    variables: new Set(walk.visited.flatMap(({ text }) => interpolatedVariables(text))),
    references: referencesIn(walk),
    naming: walk.naming,
    isWhole: walk.elsewhere.every(({ path }) => path === dotenvPlace),
  };
}

/**
 * Env files that the commit lacks and that only hidden services name. Compose does not read the env files of a service that a
 * profile hides, but the host merges all services and would report them as missing.
 */
function missedByHidden(
  { visited, envFiles }: ComposeWalk,
  files: ReadonlyMap<string, Uint8Array>,
  { variables, profiles, needed = [] }: ComposeFilesOptions,
): string[] {
  if (profiles === undefined) return [];
  const own = visited.filter(({ isOwn }) => isOwn);
  const isHidden = (service: string) => {
    const written = own
      .flatMap(({ document }) => document?.profiles.get(service) ?? [])
      .map((profile) => interpolateCompose(profile, variables));
    return written.length > 0 && !needed.includes(service) && !["*", ...written].some((profile) => profiles.includes(profile));
  };
  const missing = envFiles.filter(({ path }) => path !== "" && !/^[/~]|^\.\.(?:\/|$)|:\/\//.test(path) && !files.has(path));
  return [...Map.groupBy(missing, ({ path }) => path)].flatMap(([path, users]) =>
    users.every(({ by, service }) => own.some((file) => file.path === by) && isHidden(service)) ? [path] : [],
  );
}

function referencesIn({ visited, envFiles }: ComposeWalk): Map<string, string[]> {
  const raw = new Set(envFiles.filter((file) => file.raw).map(({ path }) => path));
  const found = new Map<string, string[]>();
  for (const { path, text, document } of visited) {
    const names = document?.references ?? (raw.has(path) ? [] : envFileReferences(text));
    for (const name of new Set(names)) found.set(name, [...(found.get(name) ?? []), path]);
  }
  return found;
}

function refuseMissing({ missing }: ComposeWalk): void {
  if (missing.length === 0) return;
  throw new ColdtivateError("the commit does not have every Compose file of the environment", {
    code: "COMPOSE_FILE_MISSING",
    exit: "usage",
    details: missing.map(({ path, by, isListed }) => `${path}${isListed ? "" : ` (named in ${by})`}`),
    hint: "Compose files are taken from the commit that is deployed: commit them, or correct `compose` in coldtivate.yml.",
  });
}

function refuseInvalid({ faults, envFiles }: ComposeWalk): void {
  const quoted = envFiles
    .filter(({ path, raw }) => raw && path === dotenvPlace)
    .map(
      ({ by, service }) => `${by}  services.${service}.env_file: leave \`format: raw\` out, what the dotenv holds arrives letter by letter`,
    );
  if (faults.length + quoted.length === 0) return;
  throw new ColdtivateError("Compose files cannot be read", {
    code: "COMPOSE_INVALID",
    exit: "usage",
    details: [...faults.map(({ path, line, column, message }) => `${path}:${line}:${column}  ${message}`), ...quoted],
    hint: "Correct them, commit, and run the same command again.",
  });
}
