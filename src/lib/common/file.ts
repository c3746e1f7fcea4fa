import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { ColdtivateError } from "../errors.ts";

// Synchronous on purpose: a command checks some files per image before it does anything. Each check takes microseconds, and ten
// times as long where Node.js has another thread do it.

/** What a path is; a device or a pipe (`<(…)`) counts as a file. Undefined if the path does not exist. */
export function kindOf(path: string): "file" | "folder" | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found && (found.isDirectory() ? "folder" : "file");
  } catch {
    return undefined;
  }
}

/** Maximum size, in bytes, of a text that people write: a dotenv, a key, a Dockerfile, a Compose file. */
export const mostBytes = 1024 * 1024;

/** The maximum size, in bytes, of a file that programs also write and that grows, such as known_hosts. */
export const mostListed = 32 * 1024 * 1024;

/** The text of a file; undefined if it cannot be read. Throws FILE_TOO_LARGE. */
export function textOf(path: string): string | undefined {
  const found = statOf(path);
  // Anything but a regular file may never end, or may block its reader.
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

/** How long to wait before reading again from a pipe that has no data yet, in milliseconds. */
const pause = 20;

/**
 * Reads a file, a pipe or a device, up to the maximum size of a text. Waits for the writer of a pipe until the signal aborts, and
 * never blocks in a way that keeps the process from ending.
 * @param most maximum size in bytes
 * @throws ColdtivateError FILE_TOO_LARGE; the system's own error if the file cannot be read
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

/** Whether this user may execute the file. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The system's error code for a file operation, such as `ENOENT`. */
export function systemCode(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
}
