import { join, relative, resolve, sep } from "node:path";
import { ColdtivateError } from "../../errors.ts";
import { composeFileList, findComposeFiles } from "../../compose/files/compose-names.ts";
import { walkComposeFiles, type ReadSource } from "../../compose/files/compose-walk.ts";
import { readDotenvLines } from "../dotenv/dotenv-lines.ts";
import { kindOf, mostBytes, readBounded, systemCode, textOf } from "../../common/file.ts";

export interface ListedComposeFiles {
  services: Set<string>;
  /** Absolute paths of the files that were read, included and extended ones too. */
  files: Set<string>;
  /** Sentences about what could not be read, with the place in the list of the file that led there. */
  faults: { message: string; listed: number }[];
}

/** Bytes of all Compose files of all environments together; reading them takes seconds. */
const mostTogether = 8 * mostBytes;

/** Reads Compose files of a working tree, each once, for however many environments. */
export interface ComposeReader {
  /** Absolute; what names in lists and in messages are relative to. */
  directory: string;
  read: ReadSource;
  /** Why files that are there were not read, by path. */
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
 * Reads which services Compose files define, and those of files that they include, as the working tree has them. Reads only:
 * nothing is merged or interpolated, and a path with a variable in it is left to where Compose runs.
 *
 * @param listed in the order in which they are merged
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
 * The Compose files of an environment that names none, as the working tree has them: those that COMPOSE_FILE of its dotenv
 * names, or those that are found by their names.
 *
 * @param dotenv its text; absent where the environment has none: the `.env` of the folder counts, as for Compose
 */
export async function defaultComposeFiles(environment: string, directory: string, dotenv: string | undefined): Promise<string[]> {
  const text = dotenv ?? textOf(join(directory, ".env")) ?? "";
  const variables = new Map(readDotenvLines(text).assignments.map(({ name, value }) => [name, value]));
  return composeFileList(variables) ?? findComposeFiles(environment, (name) => Promise.resolve(kindOf(join(directory, name)) === "file"));
}
