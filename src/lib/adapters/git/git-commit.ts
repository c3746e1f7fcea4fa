import { isUtf8 } from "node:buffer";
import { filtered, type FilterFault } from "./git-filtered.ts";
import { openAt, openSubmodule, type RepositoryAt, type SubmoduleFault } from "./git-repository-at.ts";

/** Why a part of a commit cannot be read as a checkout would show it. */
export interface CommitFault {
  kind: "loop" | "outside" | "dangling" | "unnamed" | "large" | SubmoduleFault | FilterFault;
  /** Path in the repository of the link, the submodule or the file. */
  path: string;
  /** For a link: its target, as written. */
  target?: string;
}

/** A file of a commit. Its path is relative to the requested folder, and empty if a file was requested. */
export interface CommitFile {
  path: string;
  executable: boolean;
  /** Empty for a link. */
  content: Uint8Array;
  /** For a symbolic link: its target, as written. */
  link?: string;
}

export interface CommitPart {
  /** Absent if the commit has nothing there. */
  files?: CommitFile[];
  faults: CommitFault[];
}

/** A commit as a checkout of it would show it: links are followed, and submodules are at their pinned commits. */
export interface CommitTree extends Disposable {
  /**
   * A file, or everything in a folder, where links stay links. Paths are relative to the repository.
   * @param most maximum size of a file in bytes; a larger file is a fault
   */
  read(path: string, most?: number): Promise<CommitPart>;
}

interface Entry {
  mode: string;
  id: string;
  /** Whether no checkout could have this name, or it is not UTF-8: it cannot be written down as it is. */
  isUnnamed: boolean;
}

/** A folder in a commit, of the project's repository or of a submodule's. */
interface Folder {
  repository: RepositoryAt;
  /** Path in that repository. */
  inside: string;
  /** Path in the project's repository. */
  path: string;
  tree: string;
}

/** A part of a path that still has to be walked. */
interface Step {
  name: string;
  /** The link that it comes from; absent if it belongs to the path itself. */
  link?: CommitFault;
}

const modes = { executable: "100755", link: "120000", folder: "40000", submodule: "160000" };
/** Linux follows this many links in one path, and accepts links of this length. */
const mostLinks = 40;
const longestLink = 4096;

/** @param worktree top of the working tree */
export async function openCommit(worktree: string, commit: string): Promise<CommitTree> {
  const repository = await openAt(worktree, commit);
  const submodules = new Map<string, Promise<RepositoryAt | SubmoduleFault>>();
  const trees = new Map<string, Promise<Map<string, Entry>>>();

  const entriesOf = ({ repository: { objects }, tree }: Folder): Promise<Map<string, Entry>> => {
    const known = trees.get(tree) ?? objects.read(tree).then((object) => parseTree(object?.content ?? Buffer.alloc(0), tree.length / 2));
    trees.set(tree, known);
    return known;
  };
  const enter = async (folder: Folder, name: string, id: string): Promise<Folder | CommitFault> => {
    const path = join(folder.path, name);
    const opening = submodules.get(path) ?? openSubmodule(folder.repository, join(folder.inside, name), id);
    submodules.set(path, opening);
    const opened = await opening;
    return typeof opened === "string" ? { kind: opened, path } : { repository: opened, inside: "", path, tree: opened.tree };
  };
  const readEntry = async (
    folder: Folder,
    name: string,
    entry: Entry,
    path: string,
    part: Required<CommitPart>,
    most?: number,
  ): Promise<void> => {
    const content = await readBlob(folder, entry.id, most);
    if (content === undefined) return void part.faults.push({ kind: "large", path: join(folder.path, name) });
    if (entry.mode === modes.link) {
      part.files.push({ path, executable: false, content: new Uint8Array(), link: content.toString() });
      return;
    }
    const found = await filtered(content, folder.repository, join(folder.inside, name));
    if (typeof found === "string") part.faults.push({ kind: found, path: join(folder.path, name) });
    else part.files.push({ path, executable: entry.mode === modes.executable, content: found });
  };
  const readFolder = async (folder: Folder, prefix: string, part: Required<CommitPart>): Promise<void> => {
    const entries = [...(await entriesOf(folder))];
    await Promise.all(
      entries.map(async ([name, entry]) => {
        const path = join(prefix, name);
        if (entry.isUnnamed) return void part.faults.push({ kind: "unnamed", path: join(folder.path, name.slice(1)) });
        if (entry.mode === modes.folder) return readFolder(below(folder, name, entry), path, part);
        if (entry.mode !== modes.submodule) return readEntry(folder, name, entry, path, part);
        const entered = await enter(folder, name, entry.id);
        if ("kind" in entered) part.faults.push(entered);
        else await readFolder(entered, path, part);
      }),
    );
  };

  const walk = async (root: Folder, path: string, most?: number): Promise<CommitPart> => {
    const part: Required<CommitPart> = { files: [], faults: [] };
    const trail = [root];
    const steps = stepsOf(path);
    let links = 0;
    for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
      const { name, link } = step;
      const folder = trail.at(-1)!;
      if (name === "..") {
        if (trail.length === 1) return link === undefined ? { faults: [] } : { faults: [{ ...link, kind: "outside" }] };
        trail.pop();
        continue;
      }
      const entry = (await entriesOf(folder)).get(name);
      if (entry === undefined) return { faults: link === undefined ? [] : [link] };
      if (entry.mode === modes.folder) trail.push(below(folder, name, entry));
      else if (entry.mode === modes.submodule) {
        const entered = await enter(folder, name, entry.id);
        if ("kind" in entered) return { faults: [entered] };
        trail.push(entered);
      } else if (entry.mode === modes.link) {
        const target = (await readBlob(folder, entry.id, longestLink))?.toString() ?? "";
        const fault: CommitFault = { kind: "dangling", path: join(folder.path, name), target };
        if (++links > mostLinks) return { faults: [{ ...fault, kind: "loop" }] };
        if (target.startsWith("/")) return { faults: [{ ...fault, kind: "outside" }] };
        steps.unshift(...stepsOf(target, fault));
      } else {
        if (steps.length > 0) return { faults: link === undefined ? [] : [link] };
        await readEntry(folder, name, entry, "", part, most);
        return settled(part);
      }
    }
    await readFolder(trail.at(-1)!, "", part);
    return settled(part);
  };

  return {
    read: async (path, most) =>
      repository === undefined ? { faults: [] } : walk({ repository, inside: "", path: "", tree: repository.tree }, path, most),
    [Symbol.dispose]() {
      repository?.objects[Symbol.dispose]();
      for (const opening of submodules.values())
        void opening.then(
          (opened) => typeof opened !== "string" && opened.objects[Symbol.dispose](),
          () => {},
        );
    },
  };
}

/** Undefined if the blob is larger than `most`. */
async function readBlob({ repository: { objects } }: Folder, id: string, most?: number): Promise<Buffer | undefined> {
  const object = await objects.read(id, most);
  return object?.isTooLarge ? undefined : (object?.content ?? Buffer.alloc(0));
}

/** In a fixed order, whatever was read first. */
function settled({ files, faults }: Required<CommitPart>): CommitPart {
  return { files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)), faults };
}

function below({ repository, inside, path }: Folder, name: string, { id }: Entry): Folder {
  return { repository, inside: join(inside, name), path: join(path, name), tree: id };
}

function stepsOf(path: string, link?: CommitFault): Step[] {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  return names.map((name) => ({ name, ...(link === undefined ? {} : { link }) }));
}

function join(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** Git's own format: mode, space, name, zero byte, then the bytes of the ID, `length` of them. */
function parseTree(content: Buffer, length: number): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(32, at);
    const end = space === -1 ? -1 : content.indexOf(0, space);
    // Not every Git checks the trees that it fetches.
    if (end === -1 || end + length >= content.length) return entries.set("\0", { mode: "", isUnnamed: true, id: "" });
    const written = content.subarray(space + 1, end);
    const isUnnamed = !isUtf8(written) || isNoName(written.toString());
    // Latin-1 preserves every byte, and no other name begins with NUL, so no two names are confused.
    const name = isUnnamed ? `\0${written.toString("latin1")}` : written.toString();
    entries.set(name, {
      mode: content.toString("utf8", at, space),
      isUnnamed,
      id: content.toString("hex", end + 1, end + 1 + length),
    });
    at = end + 1 + length;
  }
  return entries;
}

/** Whether a name leads elsewhere. Git may fetch such a name, but never writes it into a working tree (`verify_path` in its sources). */
function isNoName(name: string): boolean {
  return name === "" || name === "." || name === ".." || name.includes("/") || /^(?:\.git|git~1)$/i.test(name);
}
