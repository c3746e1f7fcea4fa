import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { ColdtivateError } from "../errors.ts";

// A command asks for some files an image before it does anything. Asking for one takes microseconds, and ten times as long
// where Node.js has another thread do it.

/** What a path is; a device or a pipe (`<(…)`) counts as a file. Nothing when it is not there. */
export function kindOf(path: string): "file" | "folder" | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found && (found.isDirectory() ? "folder" : "file");
  } catch {
    return undefined;
  }
}

/** Bytes that a text of people's has at most: a dotenv, a key, a Dockerfile, a Compose file. */
export const mostBytes = 1024 * 1024;

/** Bytes of a file that programs write, too, and that grows, such as known_hosts. */
export const mostListed = 32 * 1024 * 1024;

/** The text of a file; undefined when it cannot be read. Throws FILE_TOO_LARGE. */
export function textOf(path: string): string | undefined {
  const found = statOf(path);
  // What is no plain file may have no end, or make whoever reads it wait.
  if (found === undefined || !found.isFile()) return undefined;
  if (found.size > mostBytes) throw tooLarge(path);
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** How long to let a pipe be that has nothing to read yet, in milliseconds. */
const pause = 20;

/**
 * The bytes of a file, a pipe or a device, as far as a text of people's goes. Waits for what writes to a pipe, until the signal
 * says otherwise, and never in a way that keeps the process from ending.
 * @param most bytes that it may have
 * @throws ColdtivateError FILE_TOO_LARGE; the system's own error where it cannot be read
 */
export async function readBounded(path: string, signal?: AbortSignal, most = mostBytes): Promise<Buffer> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const found = await file.stat();
  if (found.isFile() && found.size > most) throw tooLarge(path, most);
  const chunks: Buffer[] = [];
  let size = 0;
  for (;;) {
    signal?.throwIfAborted();
    const chunk = Buffer.allocUnsafe(64 * 1024);
    const bytes = await file.read(chunk, 0, chunk.length, null).then(({ bytesRead }) => bytesRead, waitsForMore);
    if (bytes === 0) return Buffer.concat(chunks);
    if (bytes === undefined) await wait(pause, undefined, signal && { signal });
    else chunks.push(chunk.subarray(0, bytes));
    size += bytes ?? 0;
    if (size > most) throw tooLarge(path, most);
  }
}

function waitsForMore(cause: unknown): undefined {
  if (systemCode(cause) !== "EAGAIN") throw cause;
}

function tooLarge(path: string, most = mostBytes): ColdtivateError {
  return new ColdtivateError(`${path} is larger than ${most / 1024 / 1024} MiB, and is not read`, {
    code: "FILE_TOO_LARGE",
    exit: "usage",
    hint: "See whether this is the file that was meant.",
  });
}

/** Whether this user may run it. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The system's name for what went wrong with a file, such as `ENOENT`. */
export function systemCode(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
}
