import { EventEmitter, once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { execa, type Options } from "execa";
import { jobEnvironment, type Ran, type RunOptions } from "./run.ts";

/** A program that runs, and that a test looks at and signals meanwhile. */
export interface LiveCommand {
  pid: number;
  /** Resolves once its output has this; rejects with the output when it ends first. */
  says: (pattern: RegExp) => Promise<void>;
  /** Resolves with what is asked for again and again, once it is there; rejects with the output when the program ends first. */
  waits: <Value>(ask: () => Promise<Value | undefined>) => Promise<Value>;
  kill: (signal: NodeJS.Signals) => void;
  type: (text: string) => void;
  ended: Promise<Ran>;
}

/** Starts the CLI as a CI job would, without a terminal. */
export function start(args: readonly string[], { cwd, env }: RunOptions): LiveCommand {
  return startProgram("coldtivate", args, { cwd, env: jobEnvironment(env), extendEnv: false, stdin: "ignore" });
}

/** Starts the CLI on a terminal of its own. What is typed goes there; its output comes as one stream. */
export function startOnTerminal(args: readonly string[], { cwd, env }: RunOptions): LiveCommand {
  // A shell that waits would hear Ctrl-C, too, and have an exit code of its own.
  const command = ["exec coldtivate", ...args].join(" ");
  return startProgram("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    cwd,
    env: jobEnvironment({ TERM: "xterm", SHELL: "/bin/sh", ...env }),
    extendEnv: false,
  });
}

/** Starts any program. */
export function startProgram(program: string, args: readonly string[], options: Options): LiveCommand {
  const child = execa(program, args, { ...options, reject: false, buffer: false });
  const said = { stdout: "", stderr: "" };
  const output = () => `${said.stdout}\n${said.stderr}`;
  const news = new EventEmitter();
  child.stdout?.on("data", (chunk: Buffer) => news.emit("news", (said.stdout += chunk.toString())));
  child.stderr?.on("data", (chunk: Buffer) => news.emit("news", (said.stderr += chunk.toString())));
  let exit: number | undefined;
  const ended = child.then(({ exitCode }) => {
    exit = exitCode ?? -1;
    news.emit("news");
    return { exitCode: exit, ...said, output: output() };
  });
  return {
    pid: child.pid!,
    async says(pattern) {
      while (!pattern.test(output())) {
        if (exit !== undefined) throw new Error(`ended with ${exit} and never said ${pattern}:\n${output()}`);
        await once(news, "news");
      }
    },
    async waits(ask) {
      for (;;) {
        const answer = await ask();
        if (answer !== undefined) return answer;
        if (exit !== undefined) throw new Error(`ended with ${exit} before that:\n${output()}`);
        await wait(2);
      }
    },
    kill: (signal) => void child.kill(signal),
    type: (text) => void child.stdin?.write(text),
    ended,
  };
}
