export interface HookRun {
  /** The program and its arguments. */
  command: readonly string[];
  /** Where it runs. */
  directory: string;
  /** The whole environment: nothing of ours is added. */
  env: Record<string, string>;
  /** Milliseconds until the hook is ended. */
  timeout: number;
  onLine: (line: string) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Runs a hook to its end.
 *
 * @returns why it failed; undefined if it succeeded
 */
export async function runHook({ command, directory, env, timeout, onLine, signal }: HookRun): Promise<string | undefined> {
  const { execa, ExecaError } = await import("execa");
  const [program = "", ...args] = command;
  try {
    const child = execa(program, args, {
      cwd: directory,
      env,
      extendEnv: false,
      stdin: "ignore",
      all: true,
      timeout,
      ...(signal && { cancelSignal: signal }),
    });
    for await (const line of child.iterable({ from: "all" })) onLine(line);
    await child;
    return undefined;
  } catch (cause) {
    if (!(cause instanceof ExecaError) || signal?.aborted) throw cause;
    if (cause.timedOut) return `did not end within ${timeout / 1000} s`;
    if (cause.code === "ENOENT") return "there is no such program";
    if (cause.code === "EACCES") return "it is not executable";
    return cause.signal === undefined ? `exited with ${cause.exitCode}` : `was ended by ${cause.signal}`;
  }
}
