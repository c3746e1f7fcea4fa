import type { Digest, SourceTree } from "../compose/sources.ts";

/** A file that a host has, by its path in a folder; `.` or its name for the only one. */
export interface ListedFile {
  path: string;
  /** SHA-256 of its content; of a symbolic link `link:` and where it leads. */
  hash: string;
}

/** The files in a folder of a host that the commit does not have just so; what only the commit has does not count. */
export function compareTree(listed: readonly ListedFile[], tree: SourceTree | undefined, digest: Digest): string[] {
  const files = tree?.files ?? [];
  const isSingle = files.length === 1 && files[0]?.path === "";
  const wanted = new Map(files.map(({ path, content, link }) => [path, link === undefined ? digest(content) : `link:${link}`]));
  return listed.filter(({ path, hash }) => wanted.get(isSingle ? "" : path) !== hash).map(({ path }) => path);
}
