import { ColdtivateError } from "../../errors.ts";
import { isCommit } from "../../common/forms.ts";
import { history, type LastCommit } from "./git-history.ts";
import { readInputs, type InputTree } from "./git-inputs.ts";
import { git, tryGit } from "./git-run.ts";
import { committedReader, listFiles, listSubmodules, type Submodule, type TreeFile } from "./git-tree.ts";
import { dirtyPaths } from "./git-worktree.ts";

export type { InputTree, LastCommit, Submodule, TreeFile };

export interface CheckedOut {
  /** Missing before the first commit. */
  commit?: string;
  /** Missing if HEAD is detached, and before the first commit. */
  branch?: string;
}

/** A Git working tree. Every path, given or returned, is relative to `directory`. */
export interface Repository {
  directory: string;
  /** Top of the working tree, absolute. */
  root: string;
  /** The folder's path in the repository; empty at its top. */
  prefix: string;
  /** What was checked out when the repository was opened. */
  checkedOut: CheckedOut;
  /** The commit that is checked out now. */
  head(): Promise<string | undefined>;
  /**
   * The full ID of the commit that a tag, a branch, its `origin/` copy or an (abbreviated) commit names; undefined if there is
   * none.
   */
  resolve(ref: string): Promise<string | undefined>;
  /** The full ID of the commit that exactly this tag names. */
  resolveTag(tag: string): Promise<string | undefined>;
  /** Tags that point at the commit. */
  tagsAt(commit: string): Promise<string[]>;
  /** Whether a matching branch, or its `origin/` copy, contains the commit. A shallow clone is deepened as far as needed. */
  isReachableFrom(commit: string, branchPatterns: readonly string[]): Promise<boolean>;
  /** Whether `ancestor` is in the history of `commit`; undefined if the clone, in its present state, cannot tell. */
  isAncestor(ancestor: string, commit: string): Promise<boolean | undefined>;
  /** The time of a commit; undefined if the commit does not exist. */
  timeOf(commit: string): Promise<Date | undefined>;
  /** For each group of paths, the last commit up to `commit` that changed one of them. */
  lastCommits(groups: readonly (readonly string[])[], commit: string): Promise<LastCommit[]>;
  isShallow(): Promise<boolean>;
  /** Modified and untracked files under the paths, also within submodules. Files that .gitignore names do not count. */
  dirtyPaths(paths: readonly string[]): Promise<string[]>;
  /** What the commit and the working tree contain under all of the paths, read at once. */
  readInputs(commit: string, paths: readonly string[]): Promise<InputTree>;
  /** A file's content as of the commit; undefined if the file does not exist. */
  readFile(commit: string, path: string): Promise<Buffer | undefined>;
  /** Files under a path as of the commit; a submodule is one entry of type `commit`. */
  listFiles(commit: string, path: string): Promise<TreeFile[]>;
  submodules(commit: string): Promise<Submodule[]>;
  /** Paths that differ between two commits; undefined if the clone does not have both. */
  changedPaths(from: string, to: string, paths: readonly string[]): Promise<string[] | undefined>;
}

/**
 * Opens the working tree that contains the folder.
 * @throws ColdtivateError GIT_MISSING, NOT_A_REPOSITORY, GIT_UNTRUSTED
 */
export async function openRepository(directory: string): Promise<Repository> {
  const { root, prefix, shallowFile, hasSubmodules, checkedOut } = await lookAround(directory);
  return {
    directory,
    root,
    prefix,
    checkedOut,
    head: () => commitOf(directory, "HEAD"),
    resolve: async (ref) => {
      if (ref === "HEAD") return checkedOut.commit;
      return (await commitOf(directory, ref)) ?? commitOf(directory, `refs/remotes/origin/${ref}`);
    },
    resolveTag: (tag) => commitOf(directory, `refs/tags/${tag}`),
    tagsAt: (commit) => tagsAt(directory, commit),
    ...history(directory, shallowFile),
    dirtyPaths: (paths) => dirtyPaths(directory, paths),
    readInputs: (commit, paths) => readInputs(directory, commit, paths),
    ...committedReader(directory),
    listFiles: (commit, path) => listFiles(directory, commit, path),
    submodules: async (commit) => (commit === checkedOut.commit && !hasSubmodules ? [] : listSubmodules(directory, root, commit)),
    changedPaths: (from, to, paths) => changedPaths(directory, from, to, paths),
  };
}

interface Surroundings extends Pick<Repository, "root" | "prefix" | "checkedOut"> {
  /** Where Git lists the boundary commits of a shallow clone. */
  shallowFile: string;
  /** Whether the commit that is checked out names submodules. */
  hasSubmodules: boolean;
}

/** Asks for the working tree and for what is checked out there, all at once. */
async function lookAround(directory: string): Promise<Surroundings> {
  // Whatever may not exist comes last: Git gives up there, after it has answered the rest.
  const asked = [
    "--show-toplevel",
    "--show-prefix",
    "--git-path",
    "shallow",
    "HEAD^{commit}",
    "--symbolic-full-name",
    "HEAD",
    "HEAD:.gitmodules",
  ];
  const { code, stdout, stderr } = await tryGit(directory, ["rev-parse", ...asked]);
  const [root = "", below = "", shallowFile = "", commit = "", ref = ""] = stdout.toString().split("\n");
  const prefix = below.replace(/\/$/, "");
  const [, branch] = /^refs\/heads\/(.+)$/.exec(ref) ?? [];
  const hasSubmodules = code === 0 || !/'\.gitmodules' (does not exist|exists on disk, but not) in/.test(stderr);
  if (/^[0-9a-f]{40,}$/.test(commit))
    return { root, prefix, shallowFile, hasSubmodules, checkedOut: { commit, ...(branch !== undefined && { branch }) } };
  if (root !== "") return { root, prefix, shallowFile, hasSubmodules, checkedOut: {} };
  if (stderr.includes("dubious ownership")) {
    throw new ColdtivateError(`git does not trust the repository in ${directory}: it belongs to another user`, {
      code: "GIT_UNTRUSTED",
      exit: "refused",
      hint: `If you trust it: git config --global --add safe.directory ${directory}`,
    });
  }
  throw new ColdtivateError(`${directory} is not in a Git working tree`, {
    code: "NOT_A_REPOSITORY",
    exit: "usage",
    details: stderr.trim().split("\n").slice(0, 1),
    hint: "Run coldtivate in a clone of the monorepo.",
  });
}

async function commitOf(directory: string, ref: string): Promise<string | undefined> {
  if (ref === "" || ref.startsWith("-")) return undefined;
  const { code, stdout } = await tryGit(directory, ["rev-parse", "--verify", "--quiet", `${ref}^{commit}`]);
  const commit = stdout.toString().trim();
  // `^main` means everything but main, and comes back with the `^`.
  return code === 0 && /^[0-9a-f]{40,64}$/.test(commit) ? commit : undefined;
}

async function tagsAt(directory: string, commit: string): Promise<string[]> {
  const output = await git(directory, ["for-each-ref", `--points-at=${commit}`, "--format=%(refname:strip=2)", "refs/tags"]);
  return output.split("\n").filter((line) => line !== "");
}

async function changedPaths(directory: string, from: string, to: string, paths: readonly string[]): Promise<string[] | undefined> {
  // Anything that begins with a hyphen would be an option, such as one that writes a file.
  if (!isCommit(from) || !isCommit(to)) return undefined;
  const { code, stdout } = await tryGit(directory, ["diff-tree", "-r", "-z", "--name-only", "--relative", from, to, "--", ...paths]);
  return code === 0 ? stdout.toString().split("\0").filter(Boolean) : undefined;
}
