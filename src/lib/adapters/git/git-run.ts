import { spawn } from "node:child_process";
import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { childEnvironment } from "../../secrets/child-environment.ts";
import { systemCode } from "../../common/file.ts";
import { ColdtivateError } from "../../errors.ts";

export interface GitRun {
  code: number;
  stdout: Buffer;
  stderr: string;
}

/** The environment of every git that we run: no prompts, English messages, no locks for read-only commands. */
export const gitEnvironment = { GIT_TERMINAL_PROMPT: "0", GIT_OPTIONAL_LOCKS: "0", LC_ALL: "C" };

/** Flags before every command: paths are taken literally, whatever characters they contain. */
export const gitFlags = ["--literal-pathspecs"];

/**
 * Runs git in a folder and returns its exit code and output. The caller judges the code.
 * @throws ColdtivateError GIT_MISSING if there is no git on PATH
 */
export async function tryGit(directory: string, args: readonly string[], env: Record<string, string> = {}): Promise<GitRun> {
  // Does not use a library: a command asks git several times before it does anything, and each process would start a little
  // later.
  const { code, stdout, stderr } = await run(directory, [...gitFlags, ...args], childEnvironment("git", { ...gitEnvironment, ...env }));
  if (typeof code !== "number") throw interrupted();
  return { code, stdout, stderr: stderr.toString() };
}

async function run(directory: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  try {
    const child = spawn("git", args, { cwd: directory, env, stdio: ["ignore", "pipe", "pipe"] });
    const [[code], stdout, stderr] = await Promise.all([once(child, "close"), buffer(child.stdout), buffer(child.stderr)]);
    return { code: code as unknown, stdout, stderr };
  } catch (cause) {
    throw systemCode(cause) === "ENOENT" ? missing(cause) : failed("git cannot be run", cause);
  }
}

/**
 * Runs git in a folder and returns its standard output as text.
 * @throws ColdtivateError GIT_FAILED with the end of git's error output
 */
export async function git(directory: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await tryGit(directory, args);
  if (code === 0) return stdout.toString();
  throw new ColdtivateError(`git ${args[0]} failed with exit code ${code}`, {
    code: "GIT_FAILED",
    exit: "refused",
    details: stderr.trim().split("\n").slice(-5),
    hint: `Look at the repository in ${directory}.`,
  });
}

/** The error for a git process that somebody ended. */
export function interrupted(): ColdtivateError {
  return failed("git ended before it was done");
}

function missing(cause: unknown): ColdtivateError {
  return new ColdtivateError("git cannot be run", {
    code: "GIT_MISSING",
    exit: "usage",
    hint: "Install git (2.30 or newer), put it on PATH, and see that the folder exists.",
    cause,
  });
}

function failed(what: string, cause?: unknown): ColdtivateError {
  return new ColdtivateError(what, { code: "GIT_FAILED", exit: "refused", details: cause instanceof Error ? [cause.message] : [], cause });
}
