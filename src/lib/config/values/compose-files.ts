import { join, relative, resolve, sep } from "node:path";
import { ColdtivateError } from "../../errors.ts";
import { composeFileList, findComposeFiles } from "../../compose/files/compose-names.ts";
import { walkComposeFiles, type ReadSource } from "../../compose/files/compose-walk.ts";
import { readDotenvLines } from "../dotenv/dotenv-lines.ts";
import { kindOf, mostBytes, readBounded, systemCode, textOf } from "../../common/file.ts";

export interface ListedComposeFiles {
  services: Set<string>;
  /** Absolute paths of the files that were read, including those that were included or extended. */
  files: Set<string>;
  /** Sentences about what could not be read. `listed` is the index of the listed file that led there. */
  faults: { message: string; listed: number }[];
}

/** Maximum size of all Compose files of all environments together, in bytes: reading that much takes seconds. */
const mostTogether = 8 * mostBytes;

/** Reads the Compose files of a working tree. Each file is read once, however many environments use it. */
export interface ComposeReader {
  /** Absolute; names in lists and in messages are relative to it. */
  directory: string;
  read: ReadSource;
  /** Why files that exist were not read, by path. */
  unreadable: ReadonlyMap<string, string>;
}

export function createComposeReader(directory: string): ComposeReader {
  const unreadable = new Map<string, string>();
  const known = new Map<string, Promise<Uint8Array | undefined>>();
  let bytes = 0;
  const readOnce = async (path: string): Promise<Uint8Array | undefined> => {
    if (bytes > mostTogether) {
      unreadable.set(path, `: the Compose files of all environments are larger than ${mostTogether / mostBytes} MiB`);
      return undefined;
    }
    try {
      const content = await readBounded(join(directory, path));
      bytes += content.length;
      return content;
    } catch (cause) {
      if (systemCode(cause) !== "ENOENT") unreadable.set(path, cause instanceof ColdtivateError ? `: ${cause.message}` : "");
      return undefined;
    }
  };
  const read: ReadSource = (path) => {
    const reading = known.get(path) ?? readOnce(path);
    known.set(path, reading);
    return reading;
  };
  return { directory, read, unreadable };
}

/**
 * Finds the services that Compose files, and the files that they include, define in the working tree. Reads only: nothing is
 * merged or interpolated. A path with a variable in it is left to Compose on the host.
 *
 * @param listed the files, in the order in which they are merged
 */
export async function readComposeFiles(
  listed: readonly string[],
  { directory, read, unreadable }: ComposeReader,
): Promise<ListedComposeFiles> {
  const known = listed.map((file) => relative(directory, resolve(directory, file)).split(sep).join("/"));
  const { visited, missing, faults } = await walkComposeFiles(known, read, undefined);
  const documents = visited.filter(({ document }) => document !== undefined);
  return {
    services: new Set(documents.flatMap(({ document, isOwn }) => (isOwn ? (document?.services ?? []) : []))),
    files: new Set(documents.map(({ path }) => resolve(directory, path))),
    faults: [
      ...missing.map(({ path, listed: index }) => ({
        message: unreadable.has(path) ? `cannot read ${path}${unreadable.get(path)}` : `there is no file ${path}`,
        listed: index,
      })),
      ...faults.map(({ path, line, column, message, listed: index }) => ({
        message: `${path}:${line}:${column} cannot be read: ${message}`,
        listed: index,
      })),
    ],
  };
}

/**
 * The Compose files of an environment that names none, in the working tree: those that COMPOSE_FILE in its dotenv names, or those
 * found by their default names.
 *
 * @param dotenv text of the environment's dotenv; if absent, the folder's `.env` counts, as it does for Compose
 */
export async function defaultComposeFiles(environment: string, directory: string, dotenv: string | undefined): Promise<string[]> {
  const text = dotenv ?? textOf(join(directory, ".env")) ?? "";
  const variables = new Map(readDotenvLines(text).assignments.map(({ name, value }) => [name, value]));
  return composeFileList(variables) ?? findComposeFiles(environment, (name) => Promise.resolve(kindOf(join(directory, name)) === "file"));
}
