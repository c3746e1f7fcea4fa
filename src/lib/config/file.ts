import { accessSync, constants, readFileSync, statSync } from "node:fs";

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

/** The text of a file; undefined when it cannot be read. */
export function textOf(path: string): string | undefined {
  try {
    return kindOf(path) === "file" ? readFileSync(path, "utf8") : undefined;
  } catch {
    return undefined;
  }
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
