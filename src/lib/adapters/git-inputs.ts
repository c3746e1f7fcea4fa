import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { listEntries, readIndex, type TreeFile } from "./git-tree.ts";
import { dirtyBetween, findBlindSpots, type BlindSpots } from "./git-worktree.ts";

/** What Git and the working tree hold under some paths. */
export interface InputTree extends BlindSpots {
  /** Files and submodules of the commit, from one look; a path inside a submodule stands for that submodule. */
  entries: TreeFile[];
  /** Modified and untracked files, submodules at another commit included. */
  dirty: string[];
  /** The submodule that a path lies in. */
  submoduleOf: (path: string) => string | undefined;
}

/** Looks at all inputs at once: the number of processes does not grow with the number of paths. */
export async function readInputs(directory: string, commit: string, paths: readonly string[]): Promise<InputTree> {
  const index = await readIndex(directory);
  const { edges } = index;
  const submoduleOf = (path: string) => edges.find((edge) => path.startsWith(`${edge}/`));
  const outside = [...new Set(paths.map((path) => submoduleOf(path) ?? path))];
  const [entries, dirty, spots] = await Promise.all([
    listEntries(directory, commit, outside),
    // Whether the submodule itself has moved is seen from outside alone.
    dirtyBetween(directory, edges, [...new Set([...paths, ...outside])]),
    findBlindSpots(directory, index, paths),
  ]);
  return { entries, dirty, ...spots, submoduleOf };
}

/** The text of each file that is there, by path. */
export async function readTexts(directory: string, paths: readonly string[]): Promise<Map<string, string>> {
  const found = await Promise.all(
    [...new Set(paths)].map(async (path) => [path, await readFile(join(directory, path), "utf8").catch(() => undefined)] as const),
  );
  return new Map(found.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Whether there is a folder. */
export async function isFolder(directory: string, path: string): Promise<boolean> {
  return stat(join(directory, path)).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Every file below a folder. */
export async function listBelow(directory: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(directory, folder), { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).slice(join(directory, "/").length));
}
