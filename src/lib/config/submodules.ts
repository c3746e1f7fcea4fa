import { readFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";

/** Folders of Git submodules, relative to `directory`, from the nearest .gitmodules at or above it; checked out or not. */
export async function listSubmodules(directory: string): Promise<string[]> {
  for (let folder = resolve(directory); ; folder = dirname(folder)) {
    const text = await readFile(join(folder, ".gitmodules"), "utf8").catch(() => undefined);
    if (text !== undefined)
      return [...text.matchAll(/^\s*path\s*=\s*(.+?)\s*$/gm)].map(([, path = ""]) => relative(directory, join(folder, path)));
    if (folder === dirname(folder)) return [];
  }
}
