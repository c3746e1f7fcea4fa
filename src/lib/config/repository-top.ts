import { dirname, join, resolve } from "node:path";
import { kindOf, textOf } from "../common/file.ts";

/**
 * The top of the Git working tree that a folder lies in; from within a submodule, that of the repository which has it.
 * Undefined outside of all of them.
 * @param directory absolute, or relative to where one stands
 */
export function topOf(directory: string): string | undefined {
  let top: string | undefined;
  for (let folder = resolve(directory); ; folder = dirname(folder)) {
    const kind = kindOf(join(folder, ".git"));
    if (kind !== undefined) top = folder;
    if ((kind !== undefined && !(kind === "file" && isSubmodule(join(folder, ".git")))) || folder === dirname(folder)) return top;
  }
}

/** Whether a `.git` file leads to where Git keeps submodules (gitrepository-layout(5)), and not to a further working tree's. */
function isSubmodule(file: string): boolean {
  return /^gitdir: .*\/modules\//.test(textOf(file) ?? "");
}
