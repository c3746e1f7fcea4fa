import { access } from "node:fs/promises";
import { join } from "node:path";
import { git, tryGit } from "./git-run.ts";
import { readGitIndex, submoduleEdges, type IndexFacts } from "./git-tree.ts";

/**
 * Modified and untracked files under the paths, in the working tree. Files that .gitignore names do not count. Files in
 * submodules do. A submodule that is checked out at another commit than the pinned one counts as a file.
 */
export async function dirtyPaths(directory: string, paths: readonly string[]): Promise<string[]> {
  return dirtyBetween(directory, await submoduleEdges(directory), paths);
}

/**
 * The same for an index that was read already.
 * @param edges paths of submodules
 */
export async function dirtyBetween(directory: string, edges: readonly string[], paths: readonly string[]): Promise<string[]> {
  const homes = groupByHome(edges, paths);
  const found = await Promise.all(
    [...homes].map(async ([home, within]) =>
      home === "." || (await isCheckedOut(join(directory, home))) ? dirtyIn(directory, home, within) : [],
    ),
  );
  return [...new Set(found.flat())].toSorted();
}

/** What is in a working tree, or missing from it, without `git status` reporting it. */
export interface BlindSpots {
  /** Existing files that .gitignore names. A folder whose whole content is ignored is one path that ends with `/`. */
  ignored: string[];
  /** Files that Git is told not to look at, or not to check out. */
  hidden: string[];
  /** Submodules that are not checked out. */
  absent: string[];
}

/** Finds them under some paths, also within submodules. */
export async function findBlindSpots(directory: string, index: IndexFacts, paths: readonly string[]): Promise<BlindSpots> {
  return lookInto(directory, ".", index, paths);
}

async function lookInto(directory: string, home: string, index: IndexFacts | undefined, paths: readonly string[]): Promise<BlindSpots> {
  const here = join(directory, home);
  if (home !== "." && !(await isCheckedOut(here))) return { ignored: [], hidden: [], absent: [home] };
  const { edges, hidden } = index ?? (await readGitIndex(here));
  const homes = groupByHome(edges, paths);
  const own = homes.get(".") ?? [];
  for (const edge of edges) if (own.some((path) => isInside(edge, path))) homes.set(edge, ["."]);
  homes.delete(".");
  const [ignored, ...inside] = await Promise.all([
    own.length === 0 ? [] : listIgnored(here, own),
    ...[...homes].map(([edge, within]) => lookInto(directory, join(home, edge), undefined, within)),
  ]);
  const all = (key: keyof BlindSpots) => inside.flatMap((each) => each[key]);
  return {
    ignored: [...ignored.map((path) => join(home, path)), ...all("ignored")],
    hidden: [...hidden.filter((path) => own.some((each) => isInside(path, each))).map((path) => join(home, path)), ...all("hidden")],
    absent: all("absent"),
  };
}

async function listIgnored(directory: string, paths: readonly string[]): Promise<string[]> {
  const args = ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory", "--", ...paths];
  return (await git(directory, args)).split("\0").filter(Boolean);
}

/** In the empty folder of a submodule that is not checked out, Git would report on the repository around it. */
async function isCheckedOut(submodule: string): Promise<boolean> {
  return access(join(submodule, ".git")).then(
    () => true,
    () => false,
  );
}

async function dirtyIn(directory: string, home: string, paths: readonly string[]): Promise<string[]> {
  const flags = ["--porcelain=v2", "-z", "--untracked-files=all", "--ignore-submodules=none", "--no-renames"];
  const output = await git(join(directory, home), ["status", ...flags, "--", ...paths]);
  const entries = output.split("\0").filter(Boolean).map(parseStatus);
  if (entries.length === 0) return [];
  const prefix = await prefixOf(join(directory, home));
  const files = await Promise.all(
    entries.map(async ({ path, submodule }) => {
      const here = join(home, relativeTo(prefix, path));
      if (submodule === undefined) return [here];
      const inside = submodule.dirty ? await dirtyIn(directory, here, ["."]) : [];
      return submodule.moved || inside.length === 0 ? [here, ...inside] : inside;
    }),
  );
  return files.flat();
}

/** Groups paths by the submodule that contains them. Git refuses to look across a submodule's boundary, so it is asked inside. */
function groupByHome(edges: readonly string[], paths: readonly string[]): Map<string, string[]> {
  const homes = new Map<string, string[]>();
  for (const path of paths.map((each) => join(each))) {
    const edge = edges.find((each) => path.startsWith(`${each}/`));
    const home = edge ?? ".";
    homes.set(home, [...(homes.get(home) ?? []), edge === undefined ? path : path.slice(edge.length + 1)]);
  }
  return homes;
}

function isInside(path: string, folder: string): boolean {
  return join(folder) === "." || path === join(folder) || path.startsWith(`${join(folder)}/`);
}

interface StatusEntry {
  path: string;
  submodule?: { moved: boolean; dirty: boolean };
}

/** One record of `git status --porcelain=v2`: `1 XY sub …`, `u XY sub …`, `? path`. */
function parseStatus(record: string): StatusEntry {
  if (record.startsWith("? ")) return { path: record.slice(2) };
  const fields = record.split(" ");
  const path = fields.slice(record.startsWith("u") ? 10 : 8).join(" ");
  const state = fields[2] ?? "N...";
  if (!state.startsWith("S")) return { path };
  return { path, submodule: { moved: state[1] === "C", dirty: state[2] === "M" || state[3] === "U" } };
}

async function prefixOf(directory: string): Promise<string> {
  const { stdout } = await tryGit(directory, ["rev-parse", "--show-prefix"]);
  return stdout.toString().replace(/\n$/, "");
}

/** Porcelain v2 reports paths relative to the top of the tree. */
function relativeTo(prefix: string, path: string): string {
  if (path.startsWith(prefix)) return path.slice(prefix.length);
  return join(
    ...prefix
      .split("/")
      .filter(Boolean)
      .map(() => ".."),
    path,
  );
}
