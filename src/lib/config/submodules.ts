import { dirname, join, resolve } from "node:path";
import { kindOf, textOf } from "../common/file.ts";
import { topOf } from "./repository-top.ts";

/**
 * Whether a folder is, or lies in, a Git submodule that is not checked out. The build fetches such a submodule.
 * @param submodules absolute paths
 */
export function isMissingSubmodule(folder: string, submodules: readonly string[]): boolean {
  const submodule = submodules.find((path) => folder === path || folder.startsWith(`${path}/`));
  return submodule !== undefined && kindOf(join(submodule, ".git")) === undefined;
}

/** Absolute paths of the submodules in the nearest .gitmodules at or above a folder, but not above the repository. */
export function findSubmodules(directory: string): string[] {
  const top = topOf(directory) ?? resolve(directory);
  for (let folder = resolve(directory); ; folder = dirname(folder)) {
    const text = textOf(join(folder, ".gitmodules"));
    if (text !== undefined) return readSubmodules(text).flatMap(({ path }) => (path === undefined ? [] : [join(folder, path)]));
    if (folder === top || folder === dirname(folder)) return [];
  }
}

/** The sections of a .gitmodules. */
export function readSubmodules(text: string): { name: string; path?: string }[] {
  const sections: { name: string; path?: string }[] = [];
  for (const line of text.split("\n").map((each) => each.trim())) {
    const [, name] = /^\[submodule\s+"([^"]*)"/.exec(line) ?? [];
    const [, path] = /^path\s*=(.*)$/.exec(line) ?? [];
    if (name !== undefined) sections.push({ name });
    else if (path !== undefined) Object.assign(sections.at(-1) ?? {}, { path: path.trim() });
  }
  return sections;
}
