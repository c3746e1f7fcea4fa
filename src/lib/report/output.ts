import type { Writable } from "node:stream";
import { redactor } from "../config/redactor.ts";

type Write = NodeJS.WritableStream["write"];
type Stream = Writable & { write: Write };

const guards = new WeakSet<Write>();

/**
 * Makes every line that leaves the process pass the redactor, whoever writes it, and makes a reader that has gone away
 * no error. Can be called again; a stream is guarded once.
 */
export function guardOutput(streams: readonly Stream[] = [process.stdout, process.stderr]): void {
  for (const stream of streams) {
    const unguarded: Write = Reflect.get(stream, "write");
    if (guards.has(unguarded)) continue;
    const guarded: Write = (chunk: string | Uint8Array, ...rest: unknown[]) =>
      Reflect.apply(unguarded, stream, [redactChunk(chunk), ...rest]);
    guards.add(guarded);
    stream.write = guarded;
    if (!stream.listeners("error").includes(ignoreClosedReader)) stream.prependListener("error", ignoreClosedReader);
  }
}

/** Resolves when all that was written so far has been handed to the system, or can no longer be. */
export async function flushOutput(streams: readonly Writable[] = [process.stdout, process.stderr]): Promise<void> {
  await Promise.all(streams.map(flush));
}

function flush(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) resolve();
    else stream.write("", () => resolve());
  });
}

function redactChunk(chunk: string | Uint8Array): string | Uint8Array {
  if (typeof chunk === "string") return redactor.redact(chunk);
  const text = Buffer.from(chunk).toString("utf8");
  const redacted = redactor.redact(text);
  return redacted === text ? chunk : redacted;
}

/** EPIPE: a pipe was closed early (`… | head`); EIO: the terminal is gone. The work goes on. */
function ignoreClosedReader(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
}
