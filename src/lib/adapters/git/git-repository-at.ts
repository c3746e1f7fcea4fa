import { realpathSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { kindOf, mostBytes } from "../../common/file.ts";
import { readSubmodules } from "../../config/submodules.ts";
import { openObjects, type GitObjects } from "./git-objects.ts";
import { tryGit } from "./git-run.ts";

/** A repository from which one commit is read: the project's, or a submodule's at its pinned commit. */
export interface RepositoryAt {
  /** Absolute path of its working tree, which need not be checked out. */
  worktree: string;
  objects: GitObjects;
  commit: string;
  /** The commit's tree. */
  tree: string;
  /** Runs git in the repository. */
  ask: (args: readonly string[], env?: Record<string, string>) => ReturnType<typeof tryGit>;
  /** The absolute path where Git keeps what belongs to the repository. */
  gitDirectory: () => Promise<string>;
}

/** Opens a working tree; undefined if it does not have the commit. */
export async function openAt(
  worktree: string,
  commit: string,
  where: readonly string[] = [],
  cwd = worktree,
): Promise<RepositoryAt | undefined> {
  const objects = openObjects(cwd, where);
  const tree = await objects.read(`${commit}^{tree}`).catch(() => undefined);
  if (tree === undefined) {
    objects[Symbol.dispose]();
    return undefined;
  }
  const ask = (args: readonly string[], env?: Record<string, string>) => tryGit(cwd, [...where, ...args], env);
  let directory: Promise<string> | undefined;
  const findDirectory = async () => resolve(cwd, (await ask(["rev-parse", "--git-common-dir"])).stdout.toString().trim());
  return { worktree, objects, commit, tree: tree.id, ask, gitDirectory: () => (directory ??= findDirectory()) };
}

/** Why a submodule cannot be read: it was never fetched, or not since another commit was pinned. */
export type SubmoduleFault = "absent" | "behind";

/**
 * Opens a submodule at its pinned commit, checked out or not.
 *
 * @param path path in its parent
 */
export async function openSubmodule(parent: RepositoryAt, path: string, commit: string): Promise<RepositoryAt | SubmoduleFault> {
  const worktree = join(parent.worktree, path);
  if (isOwn(parent.worktree, path) && kindOf(join(worktree, ".git")) !== undefined) return (await openAt(worktree, commit)) ?? "behind";
  const modules = (await parent.objects.read(`${parent.commit}:.gitmodules`, mostBytes))?.content.toString() ?? "";
  const name = nameOf(path, modules) ?? path;
  if (!isSubmoduleName(name)) return "absent";
  const kept = join(await parent.gitDirectory(), "modules", name);
  if (kindOf(join(kept, "HEAD")) === undefined) return "absent";
  return (await openAt(worktree, commit, [`--git-dir=${kept}`, "--work-tree=/"], "/")) ?? "behind";
}

/** Whether a folder of the working tree is where its path says. A link might lead to any repository of this user. */
function isOwn(worktree: string, path: string): boolean {
  try {
    return realpathSync(join(worktree, path)) === join(realpathSync(worktree), path);
  } catch {
    return false;
  }
}

/**
 * Whether Git would accept a submodule's name (`check_submodule_name` in its sources). If the name could lead upwards, the commit
 * could make any folder its repository, and that folder's configuration names programs.
 */
function isSubmoduleName(name: string): boolean {
  return name !== "" && !name.split(/[/\\]/).includes("..");
}

/** The name that .gitmodules gives to the submodule at a path. */
function nameOf(path: string, modules: string): string | undefined {
  return readSubmodules(modules).find((section) => section.path === path)?.name;
}

/** The content of a file, if it has this size in bytes. Anything but a regular file might have no end. */
export async function fileOf(file: string, size: number): Promise<Buffer | undefined> {
  try {
    const found = await stat(file);
    return found.isFile() && found.size === size ? await readFile(file) : undefined;
  } catch {
    return undefined;
  }
}
