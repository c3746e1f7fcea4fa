import { spawn } from "node:child_process";
import { once } from "node:events";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { git, gitEnvironment, gitFlags, type AskGit } from "./git-run.ts";

/** A command of git up to its paths. */
export interface LikelyQuestion {
  args: readonly string[];
  /** Whether the paths follow, after `--`. */
  aboutPaths: boolean;
}

/**
 * Starts several commands of git in a folder at once, and by one process: to start one stops Node.js for some 4 ms, as the
 * system copies what it knows of the memory.
 * @param likely what will probably be asked, at most seven: what is not asked after all may have failed
 * @returns takes the answer that is there already, or asks git
 */
export function askTogether(directory: string, likely: readonly LikelyQuestion[], paths: readonly string[]): AskGit {
  // What went wrong is told by git itself, which is asked once more.
  const answers = runTogether(directory, likely, paths).catch(() => []);
  const places = new Map(likely.map(({ args, aboutPaths }, index) => [keyOf(aboutPaths ? [...args, "--", ...paths] : args), index]));
  return async (where, args) => {
    const place = where === directory ? places.get(keyOf(args)) : undefined;
    const answer = place === undefined ? undefined : (await answers)[place];
    return answer ?? git(where, args);
  };
}

function keyOf(args: readonly string[]): string {
  return args.join("\0");
}

/**
 * A shell starts them, each with an output of its own from the fourth stream on, and says how each ended.
 * @returns their outputs; of what failed none
 */
async function runTogether(
  directory: string,
  questions: readonly LikelyQuestion[],
  paths: readonly string[],
): Promise<(string | undefined)[]> {
  const commands = questions.map(({ args, aboutPaths }, index) => {
    const words = [...gitFlags, ...args].map(quote).join(" ");
    return `git ${words}${aboutPaths ? ' -- "$@"' : ""} >&${3 + index} & all="$all $!"`;
  });
  const script = ["all=", ...commands, "for one in $all; do wait $one; echo $?; done"].join("\n");
  const child = spawn("sh", ["-c", script, "sh", ...paths], {
    cwd: directory,
    env: { ...process.env, ...gitEnvironment },
    stdio: ["ignore", "pipe", "ignore", ...questions.map(() => "pipe" as const)],
  });
  const outputs = child.stdio.slice(3).map((stream) => (stream instanceof Readable ? buffer(stream) : Buffer.alloc(0)));
  const [codes, ...found] = await Promise.all([buffer(child.stdout!), ...outputs, once(child, "close")]);
  const ended = codes.toString().split("\n");
  return questions.map((_, index) => (ended[index] === "0" ? found[index]?.toString() : undefined));
}

function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
