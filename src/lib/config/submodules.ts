import { dirname, join, resolve } from "node:path";
import { kindOf, textOf } from "./file.ts";

/**
 * Whether a folder is, or lies in, a Git submodule that is not checked out: the build fetches it.
 * @param submodules absolute paths
 */
export function isMissingSubmodule(folder: string, submodules: readonly string[]): boolean {
  const submodule = submodules.find((path) => folder === path || folder.startsWith(`${path}/`));
  return submodule !== undefined && kindOf(join(submodule, ".git")) === undefined;
}

/** Absolute paths of the submodules in the nearest .gitmodules at or above a folder. */
export function findSubmodules(directory: string): string[] {
  for (let folder = resolve(directory); ; folder = dirname(folder)) {
    const text = textOf(join(folder, ".gitmodules"));
    if (text !== undefined) return [...text.matchAll(/^\s*path\s*=\s*(.+?)\s*$/gm)].map(([, path = ""]) => join(folder, path));
    if (folder === dirname(folder)) return [];
  }
}
