import { readFile } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { composeFileList, findComposeFiles } from "../release/compose-names.ts";
import { walkComposeFiles } from "../release/compose-walk.ts";
import { readDotenvLines } from "./dotenv-lines.ts";
import { kindOf, systemCode } from "./file.ts";

export interface ComposeFiles {
  services: Set<string>;
  /** Absolute paths of the files that were read, included and extended ones too. */
  files: Set<string>;
  /** Sentences about what could not be read, with the place in the list of the file that led there. */
  faults: { message: string; listed: number }[];
}

/**
 * Reads which services Compose files define, and those of files that they include, as the working tree has them. Reads only:
 * nothing is merged or interpolated, and a path with a variable in it is left to where Compose runs.
 *
 * @param listed in the order in which they are merged
 * @param directory absolute; what names in the list and in messages are relative to
 */
export async function readComposeFiles(listed: readonly string[], directory: string): Promise<ComposeFiles> {
  const unreadable: string[] = [];
  const read = async (path: string): Promise<Uint8Array | undefined> => {
    try {
      return await readFile(join(directory, path));
    } catch (cause) {
      if (systemCode(cause) !== "ENOENT") unreadable.push(path);
      return undefined;
    }
  };
  const known = listed.map((file) => relative(directory, resolve(directory, file)).split(sep).join("/"));
  const { visited, missing, faults } = await walkComposeFiles(known, read, undefined);
  const documents = visited.filter(({ document }) => document !== undefined);
  return {
    services: new Set(documents.flatMap(({ document, isOwn }) => (isOwn ? (document?.services ?? []) : []))),
    files: new Set(documents.map(({ path }) => resolve(directory, path))),
    faults: [
      ...missing.map(({ path, listed: index }) => ({
        message: unreadable.includes(path) ? `cannot read ${path}` : `there is no file ${path}`,
        listed: index,
      })),
      ...faults.map(({ path, line, column, message, listed: index }) => ({
        message: `${path}:${line}:${column} is no valid YAML: ${message}`,
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
  const text = dotenv ?? (await readFile(join(directory, ".env"), "utf8").catch(() => ""));
  const variables = new Map(readDotenvLines(text).assignments.map(({ name, value }) => [name, value]));
  return composeFileList(variables) ?? findComposeFiles(environment, (name) => Promise.resolve(kindOf(join(directory, name)) === "file"));
}
