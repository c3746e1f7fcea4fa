import type { Digest, SourceTree } from "../compose/sources.ts";

/** A file on a host. The path is relative to the folder; for a single file, it is `.` or the file's name. */
export interface ListedFile {
  path: string;
  /** SHA-256 of its content; for a symbolic link, `link:` and its target. */
  hash: string;
}

/** The files in a host's folder that differ from the commit or are not in it. Files that only the commit has do not count. */
export function compareTree(listed: readonly ListedFile[], tree: SourceTree | undefined, digest: Digest): string[] {
  const files = tree?.files ?? [];
  const isSingle = files.length === 1 && files[0]?.path === "";
  const wanted = new Map(files.map(({ path, content, link }) => [path, link === undefined ? digest(content) : `link:${link}`]));
  return listed.filter(({ path, hash }) => wanted.get(isSingle ? "" : path) !== hash).map(({ path }) => path);
}
