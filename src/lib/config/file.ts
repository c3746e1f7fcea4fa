import { access, constants, stat } from "node:fs/promises";

/** What a path is; a device or a pipe (`<(…)`) counts as a file. Nothing when it is not there. */
export async function kindOf(path: string): Promise<"file" | "folder" | undefined> {
  return stat(path).then(
    (found) => (found.isDirectory() ? "folder" : "file"),
    () => undefined,
  );
}

/** Whether this user may run it. */
export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The system's name for what went wrong with a file, such as `ENOENT`. */
export function systemCode(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
}
