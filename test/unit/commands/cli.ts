import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { keepsCompiled } from "../compiled.ts";

const program = fileURLToPath(new URL("fixture/run.ts", import.meta.url));

/** Variables that would change what is printed. */
const quiet = { CI: undefined, GITLAB_CI: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined, TERM: "xterm", ...keepsCompiled };

const options = { reject: false, stripFinalNewline: false, extendEnv: true } as const;

/** Runs the fixture's program, which has one command, `act`, with pipes around it. */
export function run(args: readonly string[], env: Record<string, string> = {}) {
  return execa(process.execPath, [program, ...args], { ...options, env: { ...quiet, ...env } });
}

/** The same in a terminal of 60 columns; its output is what the terminal gets. */
export function runInTerminal(args: readonly string[], env: Record<string, string> = {}) {
  const command = ["stty cols 60 rows 24; exec", `'${process.execPath}'`, `'${program}'`, ...args].join(" ");
  return execa("script", ["-qec", command, "/dev/null"], { ...options, env: { ...quiet, ...env } });
}
