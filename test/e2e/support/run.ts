import { execa, type Options } from "execa";
import { inject } from "vitest";

/** A command's end: everything it printed, and its exit code. */
export interface Ran {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** Both, for what must be nowhere. */
  output: string;
}

export interface RunOptions {
  cwd: string;
  /** Added to the sandbox's environment; undefined takes a variable out. */
  env?: Record<string, string | undefined>;
}

/** The variables that the sandbox has for a CI job, by name. */
export const sandbox = (): Record<string, string> => inject("sandbox");

/** The environment of a CI job in the sandbox: nothing of this machine's own but what every process has. */
export function jobEnvironment(more: Record<string, string | undefined> = {}): Record<string, string> {
  const { HOME = "/root", LANG = "C.UTF-8" } = process.env;
  const all = { HOME, LANG, ...sandbox(), ...more };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Runs the CLI as a CI job would, without a terminal. */
export async function coldtivate(args: readonly string[], { cwd, env }: RunOptions): Promise<Ran> {
  return run("coldtivate", args, { cwd, env: jobEnvironment(env), extendEnv: false });
}

/** Runs a program and takes any exit code. */
export async function run(program: string, args: readonly string[], options: Options = {}): Promise<Ran> {
  const { exitCode, stdout, stderr, message } = await execa(program, args, { stdin: "ignore", reject: false, ...options });
  const texts = { stdout: String(stdout ?? ""), stderr: String(stderr ?? "") };
  return { exitCode: exitCode ?? -1, ...texts, output: `${texts.stdout}\n${texts.stderr}\n${exitCode === undefined ? message : ""}` };
}

/** Runs a program that must succeed, and gives its standard output. */
export async function must(program: string, args: readonly string[], options: Options = {}): Promise<string> {
  const { stdout } = await execa(program, args, { stdin: "ignore", ...options });
  return String(stdout);
}
