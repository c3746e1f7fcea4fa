import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { kindOf, textOf } from "../../common/file.ts";
import { listEntries, readGitIndex, type TreeFile } from "./git-tree.ts";
import { dirtyBetween, findBlindSpots, type BlindSpots } from "./git-worktree.ts";

/** What Git and the working tree contain under some paths. */
export interface InputTree extends BlindSpots {
  /** Files and submodules of the commit, read at once. A path inside a submodule is replaced by that submodule. */
  entries: TreeFile[];
  /** Modified and untracked files, including submodules at another commit. */
  dirty: string[];
  /** The submodule that a path lies in. */
  submoduleOf: (path: string) => string | undefined;
}

/** Reads all inputs at once: the number of processes does not grow with the number of paths. */
export async function readInputs(directory: string, commit: string, inputs: readonly string[]): Promise<InputTree> {
  const paths = [...new Set(inputs.map((path) => join(path)))];
  const index = await readGitIndex(directory);
  const { edges } = index;
  const submoduleOf = (path: string) => edges.find((edge) => path.startsWith(`${edge}/`));
  const outside = [...new Set(paths.map((path) => submoduleOf(path) ?? path))];
  const [entries, dirty, spots] = await Promise.all([
    listEntries(directory, commit, outside),
    // Only the outer repository shows whether the submodule itself is at another commit.
    dirtyBetween(directory, edges, [...new Set([...paths, ...outside])]),
    findBlindSpots(directory, index, paths),
  ]);
  return { entries, dirty, ...spots, submoduleOf };
}

/** The text of each file that exists, by path. */
export function readTexts(directory: string, paths: readonly string[]): Map<string, string> {
  const found = [...new Set(paths)].map((path) => [path, textOf(join(directory, path))] as const);
  return new Map(found.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Whether the path is a folder that exists. */
export function isFolder(directory: string, path: string): boolean {
  return kindOf(join(directory, path)) === "folder";
}

/** Every file below a folder. */
export async function listBelow(directory: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(directory, folder), { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).slice(join(directory, "/").length));
}
