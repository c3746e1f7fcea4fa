import { dirname, join, resolve } from "node:path";
import { kindOf, textOf } from "../common/file.ts";

/**
 * The top of the Git working tree that contains a folder. Within a submodule, it is the top of the repository that contains the
 * submodule. Undefined outside of any working tree.
 * @param directory absolute, or relative to the working directory
 */
export function topOf(directory: string): string | undefined {
  let top: string | undefined;
  for (let folder = resolve(directory); ; folder = dirname(folder)) {
    const kind = kindOf(join(folder, ".git"));
    if (kind !== undefined) top = folder;
    if ((kind !== undefined && !(kind === "file" && isSubmodule(join(folder, ".git")))) || folder === dirname(folder)) return top;
  }
}

/**
 * Whether a `.git` file points to the place where Git keeps submodules (gitrepository-layout(5)), and not to that of a linked
 * working tree.
 */
function isSubmodule(file: string): boolean {
  return /^gitdir: .*\/modules\//.test(textOf(file) ?? "");
}
