import { join } from "node:path";
import { git, tryGit } from "./git-run.ts";
import { submoduleEdges } from "./git-tree.ts";

/**
 * Files under the paths that are modified or untracked, as the working tree has them; what .gitignore names does not count.
 * Submodules are looked into; one that is checked out at another commit than the pinned one counts as a file.
 */
export async function dirtyPaths(directory: string, paths: readonly string[]): Promise<string[]> {
  const homes = await groupByHome(directory, paths);
  const found = await Promise.all([...homes].map(([home, within]) => dirtyIn(directory, home, within)));
  return [...new Set(found.flat())].toSorted();
}

async function dirtyIn(directory: string, home: string, paths: readonly string[]): Promise<string[]> {
  const flags = ["--porcelain=v2", "-z", "--untracked-files=all", "--ignore-submodules=none", "--no-renames"];
  const output = await git(join(directory, home), ["status", ...flags, "--", ...paths]);
  const entries = output.split("\0").filter(Boolean).map(parseStatus);
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

/** Paths inside a submodule are asked for in that submodule: git refuses to look beyond its edge. */
async function groupByHome(directory: string, paths: readonly string[]): Promise<Map<string, string[]>> {
  const edges = await submoduleEdges(directory);
  const homes = new Map<string, string[]>();
  for (const path of paths.map((each) => join(each))) {
    const edge = edges.find((each) => path.startsWith(`${each}/`));
    const home = edge ?? ".";
    homes.set(home, [...(homes.get(home) ?? []), edge === undefined ? path : path.slice(edge.length + 1)]);
  }
  return homes;
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

/** Porcelain v2 speaks of paths from the top of the tree. */
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
