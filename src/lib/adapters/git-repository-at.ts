import { realpathSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { kindOf, mostBytes } from "../config/file.ts";
import { readSubmodules } from "../config/submodules.ts";
import { openObjects, type GitObjects } from "./git-objects.ts";
import { tryGit } from "./git-run.ts";

/** A repository of which one commit is read: the project's, or a submodule's at the commit that is pinned. */
export interface RepositoryAt {
  /** Its working tree, absolute; it need not be checked out. */
  worktree: string;
  objects: GitObjects;
  commit: string;
  /** The commit's tree. */
  tree: string;
  /** Runs git in it. */
  ask: (args: readonly string[], env?: Record<string, string>) => ReturnType<typeof tryGit>;
  /** Where Git keeps what belongs to it, absolute. */
  gitDirectory: () => Promise<string>;
}

/** Opens a working tree; undefined when it does not have the commit. */
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

/** Why a submodule cannot be read: it was never fetched, or not since another commit is pinned. */
export type SubmoduleFault = "absent" | "behind";

/**
 * Opens a submodule at the commit that is pinned, checked out or not.
 *
 * @param path in its parent
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

/** Whether a folder of the working tree is where its path says: a link might lead to any repository of this user. */
function isOwn(worktree: string, path: string): boolean {
  try {
    return realpathSync(join(worktree, path)) === join(realpathSync(worktree), path);
  } catch {
    return false;
  }
}

/**
 * Whether Git would take a submodule's name (`check_submodule_name` of its sources): with a way up in it, what the commit says is
 * its repository could be any folder, whose configuration names programs.
 */
function isSubmoduleName(name: string): boolean {
  return name !== "" && !name.split(/[/\\]/).includes("..");
}

/** The name under which .gitmodules has a path. */
function nameOf(path: string, modules: string): string | undefined {
  return readSubmodules(modules).find((section) => section.path === path)?.name;
}

/** What a file holds, if it has so many bytes: what is no plain file may have no end. */
export async function fileOf(file: string, size: number): Promise<Buffer | undefined> {
  try {
    const found = await stat(file);
    return found.isFile() && found.size === size ? await readFile(file) : undefined;
  } catch {
    return undefined;
  }
}
