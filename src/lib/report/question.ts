import { once } from "node:events";
import { createInterface } from "node:readline/promises";

/**
 * Asks on standard error, and waits for a line on standard input.
 * @returns the line; empty if the input ends without one
 */
export async function askOnTerminal(question: string, signal: AbortSignal): Promise<string> {
  // `terminal: false`, so that Ctrl-C stays a signal.
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  const ended = new AbortController();
  try {
    const closed = once(lines, "close", { signal: ended.signal }).then(() => "");
    return await Promise.race([lines.question(question, { signal }), closed.catch(() => "")]);
  } finally {
    ended.abort();
    lines.close();
  }
}

/**
 * Asks for hidden input, such as a password. Standard input has to be a terminal; Ctrl-C still sends a signal.
 * @returns the input; empty if the input ends
 */
export async function askHidden(question: string, signal: AbortSignal): Promise<string> {
  const { stdin, stderr } = process;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let typed = "";
  const hear = (chunk: Buffer) => {
    for (const key of chunk.toString("utf8")) {
      if (key === "\r" || key === "\n" || key === "\u0004") return resolve(typed);
      if (key === "\u0003") process.kill(process.pid, "SIGINT");
      else if (key === "\u007F" || key === "\b") typed = typed.replace(/.$/su, "");
      else if (key === "\u0015") typed = "";
      else typed += key;
    }
  };
  const end = () => resolve("");
  const abort = () => reject(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener("abort", abort, { once: true });
  stdin.on("data", hear);
  stdin.once("end", end);
  stdin.setRawMode(true);
  stderr.write(question);
  stdin.resume();
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", abort);
    stdin.off("data", hear);
    stdin.off("end", end);
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write("\n");
  }
}
