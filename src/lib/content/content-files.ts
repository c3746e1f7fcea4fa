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
  /** The Dockerfiles and ignore files that exist, as checked out, by path. */
  texts: ReadonlyMap<string, string>;
  /** Existing files that Git is told to ignore. */
  unseen: readonly string[];
  /** Files that Git is told not to look at, or not to check out. */
  hidden: readonly string[];
  /** Submodules that are not checked out. */
  absent: readonly string[];
}

/** The files of the commit, grouped by the folders that builds get. */
export interface FileIndex extends FileFacts {
  at: (path: string) => TreeEntry | undefined;
  under: (folder: string) => readonly TreeEntry[];
  /** The submodule that a path lies in, or that it is itself. */
  submoduleOf: (path: string) => TreeEntry | undefined;
}

/** Why the content of an image cannot be determined. */
export class Untold {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Indexes entries by path, and by the folders that will be asked for. */
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

/**
 * Describes a file by its path and its object, or by the commit of the submodule that it lies in. Returns undefined if there is
 * none.
 */
export function describeFile(path: string, files: FileIndex): string[] | Untold | undefined {
  const entry = files.at(path);
  const submodule = files.submoduleOf(path);
  if (submodule !== undefined) return files.texts.has(path) ? [path, submodule.object] : undefined;
  if (files.hidden.includes(path)) return new Untold(`Git is told not to look at ${path}`);
  if (entry === undefined) return files.texts.has(path) ? new Untold(`${path} is not in Git`) : undefined;
  return entry.mode === "120000" ? new Untold(`${path} is a symbolic link`) : [path, entry.object];
}

/** Describes what a build gets from a folder, one line per entry, without what the ignore file leaves out. */
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
      // An exception may let parts of a submodule in again.
      .filter(({ path, mode }) => !ignores(path) || (mode === "160000" && ignores.hasExceptions))
      .map(({ path, mode, object }) => `${mode} ${path}\0${object}`)
      .toSorted()
  );
}

/** Finds a submodule that a build would get from a folder, but that is not checked out. */
export function absentFrom(folder: string, ignoreFile: string | undefined, files: FileIndex): string | undefined {
  const ignores = ignoresOf(ignoreFile, files);
  return files.absent.find((path) => isWithin(folder, path) || (isWithin(path, folder) && !ignores(relativeTo(folder, path))));
}

/** The ignore file that applies to a folder: the Dockerfile's own if there is one, otherwise the folder's. */
export function ignoreFileOf(folder: string, dockerfile: string | undefined, files: FileIndex): string | undefined {
  const candidates = ignoreFilesOf(folder, dockerfile);
  return candidates.find((path) => files.texts.has(path) || files.at(path) !== undefined);
}

/** The possible paths of an ignore file, in order of precedence. */
export function ignoreFilesOf(folder: string, dockerfile: string | undefined): string[] {
  return [...(dockerfile === undefined ? [] : [`${dockerfile}.dockerignore`]), joinPaths(folder, ".dockerignore")];
}

/** Reads what an ignore file leaves out. Without one, that is nothing. */
export function ignoresOf(ignoreFile: string | undefined, files: Pick<FileFacts, "texts">): Ignores {
  return readIgnoreFile((ignoreFile !== undefined && files.texts.get(ignoreFile)) || "");
}

/** A path relative to a folder that contains it. */
export function relativeTo(folder: string, path: string): string {
  if (folder === ".") return path;
  return path === folder ? "." : path.slice(folder.length + 1);
}
