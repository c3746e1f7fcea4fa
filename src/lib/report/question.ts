import { once } from "node:events";
import { createInterface } from "node:readline/promises";

/**
 * Asks on standard error, and waits for a line on standard input.
 * @returns the line; empty when the input ends without one
 */
export async function askOnTerminal(question: string, signal: AbortSignal): Promise<string> {
  // Not a terminal of readline's: Ctrl-C has to stay a signal.
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
