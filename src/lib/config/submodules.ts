import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { kindOf } from "./file.ts";

/** Whether a folder is, or lies in, a Git submodule that is not checked out: the build fetches it. */
export async function isMissingSubmodule(folder: string, directory: string): Promise<boolean> {
  const submodule = (await listSubmodules(directory)).find((path) => folder === path || folder.startsWith(`${path}/`));
  return submodule !== undefined && (await kindOf(join(submodule, ".git"))) === undefined;
}

/** Absolute paths of the submodules in the nearest .gitmodules at or above a folder. */
async function listSubmodules(directory: string): Promise<string[]> {
  for (let folder = resolve(directory); ; folder = dirname(folder)) {
    const text = await readFile(join(folder, ".gitmodules"), "utf8").catch(() => undefined);
    if (text !== undefined) return [...text.matchAll(/^\s*path\s*=\s*(.+?)\s*$/gm)].map(([, path = ""]) => join(folder, path));
    if (folder === dirname(folder)) return [];
  }
}
