/** Joins paths with `/` and resolves `.` and `..` as far as possible; an empty result is `.`. */
export function joinPaths(...paths: readonly string[]): string {
  const parts: string[] = [];
  for (const part of paths.join("/").split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/") || ".";
}

/** Whether a path lies in a folder, or is that folder. */
export function isWithin(path: string, folder: string): boolean {
  if (folder === ".") return path !== ".." && !path.startsWith("../");
  return path === folder || path.startsWith(`${folder}/`);
}
