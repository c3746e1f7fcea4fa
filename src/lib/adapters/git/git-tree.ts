import { relative, resolve } from "node:path";
import { isCommit } from "../../common/forms.ts";
import { openObjects, type GitObjects } from "./git-objects.ts";
import { git, tryGit } from "./git-run.ts";

export interface TreeFile {
  path: string;
  /** `100644`, `100755`, `120000` (a symbolic link), `160000` (a submodule). */
  mode: string;
  type: "blob" | "commit";
  object: string;
}

export interface Submodule {
  name: string;
  path: string;
  url: string;
  /** The commit that the tree pins; absent if .gitmodules names a path that is not a submodule. */
  commit?: string;
}

/** What was committed, read by one process as long as there is something to read. */
export interface CommittedReader {
  /** A file's content as of a commit; undefined when there is no such file. */
  readFile(commit: string, path: string): Promise<Buffer | undefined>;
  /** When a commit was committed; undefined when it is not there. */
  timeOf(commit: string): Promise<Date | undefined>;
}

/** Milliseconds that the process waits for more: somebody else may ask soon. */
const lingering = 200;

export function committedReader(directory: string): CommittedReader {
  let open: { objects: GitObjects; wanted: number } | undefined;
  const read = async (name: string) => {
    const reading = (open ??= { objects: openObjects(directory), wanted: 0 });
    reading.wanted++;
    try {
      return await reading.objects.read(name);
    } finally {
      reading.wanted--;
      setTimeout(() => {
        if (reading.wanted > 0 || open !== reading) return;
        open = undefined;
        reading.objects[Symbol.dispose]();
      }, lingering);
    }
  };
  return {
    async readFile(commit, path) {
      const name = `${commit}:./${path}`;
      // The answer about a name that is not there begins with that name, and could look like another answer.
      if (/\s/.test(name)) return readFile(directory, name);
      const object = await read(name);
      return object?.type === "blob" ? object.content : undefined;
    },
    async timeOf(commit) {
      if (!isCommit(commit)) return undefined;
      const object = await read(commit);
      if (object?.type !== "commit") return undefined;
      const [, seconds] = /^committer .*> (\d+) [+-]\d{4}$/m.exec(object.content.toString("latin1")) ?? [];
      return seconds === undefined ? undefined : new Date(Number(seconds) * 1000);
    },
  };
}

async function readFile(directory: string, name: string): Promise<Buffer | undefined> {
  const { code, stdout } = await tryGit(directory, ["cat-file", "blob", name]);
  return code === 0 ? stdout : undefined;
}

/** Every file under a path as of a commit; a submodule counts as one. */
export async function listFiles(directory: string, commit: string, prefix: string): Promise<TreeFile[]> {
  return listEntries(directory, commit, [prefix === "" ? "." : prefix]);
}

/** Every file under some paths as of a commit, with one command; a submodule counts as one. */
export async function listEntries(directory: string, commit: string, paths: readonly string[]): Promise<TreeFile[]> {
  if (paths.length === 0) return [];
  const output = await git(directory, ["ls-tree", "-r", "-z", commit, "--", ...paths]);
  return output.split("\0").filter(Boolean).map(parseEntry);
}

/** The submodules that .gitmodules names as of a commit. */
export async function listSubmodules(directory: string, root: string, commit: string): Promise<Submodule[]> {
  const { code, stdout } = await tryGit(root, ["config", "--blob", `${commit}:.gitmodules`, "--null", "--list"]);
  if (code !== 0) return [];
  const found = new Map<string, { path?: string; url?: string }>();
  for (const record of stdout.toString().split("\0")) {
    const [, name, key, value] = /^submodule\.(.+)\.(path|url)\n([\s\S]*)$/.exec(record) ?? [];
    if (name !== undefined && key !== undefined) found.set(name, { ...found.get(name), [key]: value });
  }
  return Promise.all(
    [...found].map(async ([name, { path = name, url = "" }]) => {
      const pinned = (await listFiles(root, commit, path)).find((entry) => entry.path === path && entry.type === "commit");
      return { name, path: relative(directory, resolve(root, path)) || ".", url, ...(pinned && { commit: pinned.object }) };
    }),
  );
}

/** What the index says about the working tree. */
export interface IndexFacts {
  /** Paths of submodules. */
  edges: string[];
  /** Files that Git is told not to look at (`assume-unchanged`) or not to check out (`skip-worktree`, a sparse checkout). */
  hidden: string[];
}

/** Paths of the submodules in the index. */
export async function submoduleEdges(directory: string): Promise<string[]> {
  return (await readGitIndex(directory)).edges;
}

/** Reads the index once. */
export async function readGitIndex(directory: string): Promise<IndexFacts> {
  const records = (await git(directory, ["ls-files", "-v", "--stage", "-z"])).split("\0").filter(Boolean);
  return {
    edges: records.filter((record) => record.startsWith("160000 ", 2)).map(pathOf),
    hidden: records.filter((record) => /^[a-zS]/.test(record)).map(pathOf),
  };
}

function pathOf(record: string): string {
  return record.slice(record.indexOf("\t") + 1);
}

function parseEntry(record: string): TreeFile {
  const [mode = "", type, object = ""] = record.slice(0, record.indexOf("\t")).split(" ");
  return { path: pathOf(record), mode, type: type === "commit" ? "commit" : "blob", object };
}
