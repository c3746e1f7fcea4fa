import { execa, ExecaError } from "execa";
import { ColdtivateError } from "../errors.ts";
import { git, gitEnvironment } from "./git-run.ts";

export interface SubmoduleOptions {
  /** Environment for ssh, such as an agent's. */
  env?: Record<string, string>;
  signal?: AbortSignal;
  onLine?: (line: string) => void;
}

/**
 * Checks out the commits that the tree pins, recursively, where they are not: never what a remote has since.
 * One that somebody works in, on a branch of its own, stays as it is.
 * @param paths submodules, relative to the folder
 * @returns those that were fetched
 * @throws ColdtivateError SUBMODULE_UNREADABLE
 */
export async function fetchSubmodules(directory: string, paths: readonly string[], options: SubmoduleOptions = {}): Promise<string[]> {
  const wanted = await outOfStep(directory, paths);
  if (wanted.length === 0) return [];
  const args = ["submodule", "update", "--init", "--recursive", "--jobs", "4", "--", ...wanted];
  const { GIT_SSH_COMMAND: ssh } = process.env;
  const env = { ...gitEnvironment, GIT_SSH_COMMAND: `${ssh || "ssh"} -o BatchMode=yes`, ...options.env };
  const child = execa("git", args, {
    cwd: directory,
    env,
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
    return wanted;
  } catch (cause) {
    if (!(cause instanceof ExecaError) || options.signal?.aborted) throw cause;
    throw unreadable(said, wanted, cause);
  }
}

/** Submodules, nested ones included, that are not at the pinned commit. */
async function outOfStep(directory: string, paths: readonly string[]): Promise<string[]> {
  if (paths.length === 0) return [];
  const found = await Promise.all(
    paths.map(async (path) => {
      const status = await git(directory, ["submodule", "status", "--recursive", "--", path]);
      const differs = status.split("\n").some((line) => /^[-+U]/.test(line));
      if (!differs) return [];
      const [own = ""] = status.split("\n");
      return own.startsWith("+") && (await isOnBranch(directory, path)) ? [] : [path];
    }),
  );
  return found.flat();
}

async function isOnBranch(directory: string, path: string): Promise<boolean> {
  const { exitCode } = await execa("git", ["-C", path, "symbolic-ref", "--quiet", "HEAD"], {
    cwd: directory,
    reject: false,
    stdin: "ignore",
  });
  return exitCode === 0;
}

function unreadable(said: readonly string[], wanted: readonly string[], cause: ExecaError): ColdtivateError {
  const text = said.join("\n");
  const [, path] = /(?:into submodule path|Unable to fetch in submodule path|in submodule path) '([^']+)'/.exec(text) ?? [];
  const [, url] = /clone of '([^']+)'/.exec(text) ?? [];
  const name = wanted.find((each) => path === each || path?.endsWith(`/${each}`)) ?? path ?? wanted.join(", ");
  const reasons = said.filter((line) => /^(fatal|error|remote|ERROR|Permission|Host key|ssh:)/.test(line));
  return new ColdtivateError(`the submodule ${name}${url === undefined ? "" : ` (${withoutUser(url)})`} cannot be read`, {
    code: "SUBMODULE_UNREADABLE",
    exit: "refused",
    details: [...new Set(reasons.map(withoutUser))].slice(-5),
    hint: "Nothing was built. Whoever runs this needs read access to that repository: a key (build.ssh_key, or an ssh-agent), or, in GitLab, this project on the allowlist of its job token permissions.",
    cause,
  });
}

/** A clone's address may carry a token. */
function withoutUser(text: string): string {
  return text.replace(/(\w+:\/\/)[^@/\s]+@/g, "$1");
}
