import { childEnvironment } from "../../secrets/child-environment.ts";
import { git, gitEnvironment } from "./git-run.ts";
import { describeUnreadable } from "./submodule-error.ts";

export interface SubmoduleOptions {
  /** Environment for ssh, such as an agent's. */
  env?: Record<string, string>;
  signal?: AbortSignal;
  onLine?: (line: string) => void;
}

/** What git says when a server does not give a commit by its ID, or does not support shallow clones. */
const refusesShallow = /not our ref|unadvertised object|did not contain|does not support shallow|dumb http/i;

/**
 * Checks out the commits that the tree pins, recursively, where they are not checked out: never what a remote has since. A
 * submodule that was absent is fetched without its history, four at a time. A submodule that somebody works in, on a branch of
 * its own, stays as it is.
 * @param paths submodules, relative to the folder
 * @returns those that were fetched
 * @throws ColdtivateError SUBMODULE_UNREADABLE
 */
export async function fetchSubmodules(directory: string, paths: readonly string[], options: SubmoduleOptions = {}): Promise<string[]> {
  const wanted = await outOfStep(directory, paths);
  const absent = wanted.filter(({ isAbsent }) => isAbsent).map(({ path }) => path);
  const there = wanted.filter(({ isAbsent }) => !isAbsent).map(({ path }) => path);
  if (absent.length > 0 && !(await update(directory, absent, ["--depth", "1"], options, refusesShallow))) {
    await update(directory, absent, [], options);
  }
  // A clone that has its history keeps it.
  if (there.length > 0) await update(directory, there, [], options);
  return wanted.map(({ path }) => path);
}

/** @returns false if git failed in a way for which the caller has an alternative */
async function update(
  directory: string,
  paths: readonly string[],
  flags: readonly string[],
  options: SubmoduleOptions,
  tolerated?: RegExp,
): Promise<boolean> {
  const { execa, ExecaError } = await import("execa");
  const args = ["submodule", "update", "--init", "--recursive", "--jobs", "4", ...flags, "--", ...paths];
  const { GIT_SSH_COMMAND: ssh, CI_JOB_TOKEN: token } = process.env;
  const own = { ...gitEnvironment, GIT_SSH_COMMAND: `${ssh || "ssh"} -o BatchMode=yes`, ...options.env };
  const child = execa("git", args, {
    cwd: directory,
    env: childEnvironment("git with a remote", own),
    extendEnv: false,
    stdin: "ignore",
    all: true,
    ...(options.signal && { cancelSignal: options.signal }),
  });
  const said: string[] = [];
  try {
    for await (const line of child.iterable({ from: "all" })) {
      said.push(line);
      options.onLine?.(line);
    }
    await child;
    return true;
  } catch (cause) {
    if (!(cause instanceof ExecaError) || options.signal?.aborted) throw cause;
    if (tolerated?.test(said.join("\n"))) return false;
    throw describeUnreadable(said, paths, token !== undefined && token !== "", cause);
  }
}

/** Submodules, nested ones included, that are not at the pinned commit. */
async function outOfStep(directory: string, paths: readonly string[]): Promise<{ path: string; isAbsent: boolean }[]> {
  if (paths.length === 0) return [];
  const found = await Promise.all(
    paths.map(async (path) => {
      const status = await git(directory, ["submodule", "status", "--recursive", "--", path]);
      const differs = status.split("\n").some((line) => /^[-+U]/.test(line));
      if (!differs) return [];
      const [own = ""] = status.split("\n");
      return own.startsWith("+") && (await isOnBranch(directory, path)) ? [] : [{ path, isAbsent: own.startsWith("-") }];
    }),
  );
  return found.flat();
}

async function isOnBranch(directory: string, path: string): Promise<boolean> {
  const { execa } = await import("execa");
  const { exitCode } = await execa("git", ["-C", path, "symbolic-ref", "--quiet", "HEAD"], {
    cwd: directory,
    env: childEnvironment("git", gitEnvironment),
    extendEnv: false,
    reject: false,
    stdin: "ignore",
  });
  return exitCode === 0;
}
