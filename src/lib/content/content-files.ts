import { readIgnoreFile, type Ignores } from "./ignore-file.ts";
import { isWithin, joinPaths } from "../common/path.ts";

/** A file or a submodule of a commit; paths are relative to the configuration's folder. */
export interface TreeEntry {
  path: string;
  /** `100644`, `100755`, `120000` (a symbolic link), `160000` (a submodule). */
  mode: string;
  object: string;
}

/** What is known about the files that images are built from. */
export interface FileFacts {
  /** All entries of the commit under the images' inputs. */
  entries: readonly TreeEntry[];
  /** Dockerfiles and ignore files as they are checked out, by path; those that are there. */
  texts: ReadonlyMap<string, string>;
  /** Files that are there, and that Git is told to ignore. */
  unseen: readonly string[];
  /** Files that Git is told not to look at, or not to check out. */
  hidden: readonly string[];
  /** Submodules that are not checked out. */
  absent: readonly string[];
}

/** Files of the commit by the folder that a build gets. */
export interface FileIndex extends FileFacts {
  at: (path: string) => TreeEntry | undefined;
  under: (folder: string) => readonly TreeEntry[];
  /** The submodule that a path lies in, or is. */
  submoduleOf: (path: string) => TreeEntry | undefined;
}

/** Why the content of an image cannot be told from Git. */
export class Untold {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Makes entries easy to find, for the folders that will be asked for. */
export function indexFiles(facts: FileFacts, folders: readonly string[]): FileIndex {
  const byPath = new Map(facts.entries.map((entry) => [entry.path, entry]));
  const byFolder = new Map(folders.map((folder) => [folder, [] as TreeEntry[]]));
  const submodules = facts.entries.filter(({ mode }) => mode === "160000");
  for (const entry of facts.entries) {
    if (!entry.path.startsWith("../")) byFolder.get(".")?.push(entry);
    for (let end = entry.path.length; end > 0; end = entry.path.lastIndexOf("/", end - 1)) {
      byFolder.get(entry.path.slice(0, end))?.push(entry);
    }
  }
  return {
    ...facts,
    at: (path) => byPath.get(path),
    under: (folder) => byFolder.get(folder) ?? [],
    submoduleOf: (path) => submodules.find((submodule) => isWithin(path, submodule.path)),
  };
}

/** A file as its path and object, or as the submodule's commit that it lies in; undefined when there is none. */
export function describeFile(path: string, files: FileIndex): string[] | Untold | undefined {
  const entry = files.at(path);
  const submodule = files.submoduleOf(path);
  if (submodule !== undefined) return files.texts.has(path) ? [path, submodule.object] : undefined;
  if (files.hidden.includes(path)) return new Untold(`Git is told not to look at ${path}`);
  if (entry === undefined) return files.texts.has(path) ? new Untold(`${path} is not in Git`) : undefined;
  return entry.mode === "120000" ? new Untold(`${path} is a symbolic link`) : [path, entry.object];
}

/** What a build gets of a folder: a line an entry, as far as no ignore file leaves it out. */
export function describeFolder(folder: string, ignoreFile: string | undefined, files: FileIndex): string[] | Untold {
  const ignores = ignoresOf(ignoreFile, files);
  const unseen = files.unseen.find((path) => isWithin(path, folder) && !ignores(relativeTo(folder, path)));
  if (unseen !== undefined) return new Untold(`${unseen} goes into the build, but Git is told to ignore it`);
  const hidden = files.hidden.find((path) => isWithin(path, folder) && !ignores(relativeTo(folder, path)));
  if (hidden !== undefined) return new Untold(`Git is told not to look at ${hidden}, or not to check it out`);
  const submodule = files.submoduleOf(folder);
  if (submodule !== undefined) return [`${submodule.mode} ${relativeTo(submodule.path, folder)}\0${submodule.object}`];
  const entries = files.under(folder);
  if (entries.length === 0) return new Untold(`Git has no file in ${folder}`);
  if (files.at(folder) !== undefined) return new Untold(`${folder} is no folder in Git`);
  return (
    entries
      .map(({ path, mode, object }) => ({ path: relativeTo(folder, path), mode, object }))
      // Some of a submodule may be let in again.
      .filter(({ path, mode }) => !ignores(path) || (mode === "160000" && ignores.hasExceptions))
      .map(({ path, mode, object }) => `${mode} ${path}\0${object}`)
      .toSorted()
  );
}

/** A submodule that belongs to what a build gets of a folder, and is not checked out. */
export function absentFrom(folder: string, ignoreFile: string | undefined, files: FileIndex): string | undefined {
  const ignores = ignoresOf(ignoreFile, files);
  return files.absent.find((path) => isWithin(folder, path) || (isWithin(path, folder) && !ignores(relativeTo(folder, path))));
}

/** The ignore file that counts for a folder: the Dockerfile's own, where there is one, or the folder's. */
export function ignoreFileOf(folder: string, dockerfile: string | undefined, files: FileIndex): string | undefined {
  const candidates = ignoreFilesOf(folder, dockerfile);
  return candidates.find((path) => files.texts.has(path) || files.at(path) !== undefined);
}

/** Where an ignore file may lie, the one that wins first. */
export function ignoreFilesOf(folder: string, dockerfile: string | undefined): string[] {
  return [...(dockerfile === undefined ? [] : [`${dockerfile}.dockerignore`]), joinPaths(folder, ".dockerignore")];
}

/** What an ignore file leaves out; nothing without one. */
export function ignoresOf(ignoreFile: string | undefined, files: Pick<FileFacts, "texts">): Ignores {
  return readIgnoreFile((ignoreFile !== undefined && files.texts.get(ignoreFile)) || "");
}

/** A path as it is seen from a folder that holds it. */
export function relativeTo(folder: string, path: string): string {
  if (folder === ".") return path;
  return path === folder ? "." : path.slice(folder.length + 1);
}
