import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { childEnvironment } from "../../secrets/child-environment.ts";
import { ColdtivateError } from "../../errors.ts";
import { markHandled } from "../../common/mark-handled.ts";
import { git, gitEnvironment, gitFlags, interrupted, type AskGit } from "./git-run.ts";

/** A git command without its paths. */
export interface LikelyQuestion {
  args: readonly string[];
  /** Whether the paths are added, after `--`. */
  aboutPaths: boolean;
}

/**
 * Starts several git commands in a folder at once, through one process. Starting a process stops Node.js for some 4 ms, because
 * the system copies what it knows of the memory.
 * @param likely questions that will probably be asked, at most seven; one that is not asked after all may have failed
 * @returns a function that takes the answer that is already there, or asks git
 */
export function askTogether(directory: string, likely: readonly LikelyQuestion[], paths: readonly string[]): AskGit {
  const answers = orNone(runTogether(directory, likely, paths));
  const places = new Map(likely.map(({ args, aboutPaths }, index) => [keyOf(aboutPaths ? [...args, "--", ...paths] : args), index]));
  return async (where, args) => {
    const place = where === directory ? places.get(keyOf(args)) : undefined;
    const answer = place === undefined ? undefined : (await answers)[place];
    return answer ?? git(where, args);
  };
}

/**
 * Asks git many small questions. Node.js starts no more processes than there are processors, and each of them asks its share in
 * turn.
 * @param questions no answer may contain a NUL
 * @returns a function that takes the answer that is already there, or asks git
 */
export function askInTurn(directory: string, questions: readonly (readonly string[])[]): AskGit {
  const lanes = Math.min(questions.length, availableParallelism());
  const answers = new Map<string, Promise<string | undefined>>();
  for (let lane = 0; lane < lanes; lane++) {
    const own = questions.filter((_, index) => index % lanes === lane);
    const run = orNone(runInTurn(directory, own));
    for (const [index, args] of own.entries()) answers.set(keyOf(args), markHandled(run.then((found) => found[index])));
  }
  return async (where, args) => {
    const answer = where === directory ? await answers.get(keyOf(args)) : undefined;
    return answer ?? git(where, args);
  };
}

/** The shell reads the script while it runs, because the script may be longer than the arguments of a process can be. */
async function runInTurn(directory: string, questions: readonly (readonly string[])[]): Promise<(string | undefined)[]> {
  const script = questions.map((args) => String.raw`git ${wordsOf(args)} </dev/null; printf '\0%s\0' $?`).join("\n");
  const child = spawn("sh", ["-s"], { cwd: directory, env: childEnvironment("git", gitEnvironment), stdio: ["pipe", "pipe", "ignore"] });
  const ended = markHandled(whenEnded(child));
  child.stdin.on("error", () => {});
  child.stdin.end(script);
  const [output] = await Promise.all([buffer(child.stdout), ended]);
  const parts = output.toString().split("\0");
  return questions.map((_, index) => (parts[2 * index + 1] === "0" ? parts[2 * index] : undefined));
}

/** @throws ColdtivateError GIT_FAILED if somebody ended the process; otherwise the error that kept it from starting */
async function whenEnded(child: ChildProcess): Promise<void> {
  const [, signal] = (await once(child, "exit")) as unknown[];
  if (signal !== null) throw interrupted();
}

function orNone(run: Promise<(string | undefined)[]>): Promise<(string | undefined)[]> {
  return markHandled(
    run.catch((error: unknown) => {
      if (error instanceof ColdtivateError) throw error;
      // Git is asked again, and then reports itself what went wrong.
      return [];
    }),
  );
}

function keyOf(args: readonly string[]): string {
  return args.join("\0");
}

/**
 * A shell starts the commands, each with an output of its own from the fourth stream on, and reports how each ended.
 * @returns their outputs; undefined for a command that failed
 */
async function runTogether(
  directory: string,
  questions: readonly LikelyQuestion[],
  paths: readonly string[],
): Promise<(string | undefined)[]> {
  // A process that git leaves behind, such as a daemon that watches files, must not keep these open.
  const closed = questions.map((_, index) => `${3 + index}>&-`).join(" ");
  const commands = questions.map(({ args, aboutPaths }, index) => {
    return `git ${wordsOf(args)}${aboutPaths ? ' -- "$@"' : ""} >&${3 + index} ${closed} & all="$all $!"`;
  });
  const script = ["all=", ...commands, "for one in $all; do wait $one; echo $?; done"].join("\n");
  const child = spawn("sh", ["-c", script, "sh", ...paths], {
    cwd: directory,
    env: childEnvironment("git", gitEnvironment),
    stdio: ["ignore", "pipe", "ignore", ...questions.map(() => "pipe" as const)],
  });
  const ended = markHandled(whenEnded(child));
  const streams = child.stdio.filter((stream) => stream instanceof Readable);
  const [, codes = Buffer.alloc(0), ...found] = await Promise.all([ended, ...streams.map((stream) => buffer(stream))]);
  const exits = codes.toString().split("\n");
  return questions.map((_, index) => (exits[index] === "0" ? found[index]?.toString() : undefined));
}

function wordsOf(args: readonly string[]): string {
  return [...gitFlags, ...args].map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(" ");
}
