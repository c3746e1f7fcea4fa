import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { matchesAny } from "../../git/pattern.ts";
import { git, tryGit } from "./git-run.ts";
import { submoduleEdges } from "./git-tree.ts";

/** A commit and its time in seconds since the epoch, or why there is none. */
export type LastCommit = { commit: string; time: number } | { commit?: never; reason: string };

/** How many commits to fetch first when a shallow clone is deepened. Each further step is twice as large. */
const firstStep = 50;

/**
 * Answers questions about a repository's history. A shallow clone is deepened as far as an answer needs.
 * @param shallowFile where Git lists the boundary commits of a shallow clone, relative to the directory or absolute
 */
export function history(directory: string, shallowFile: string) {
  const past = createPast(directory, resolve(directory, shallowFile));
  return {
    isShallow: async () => (await past.edges()).size > 0,
    isReachableFrom: async (commit: string, patterns: readonly string[]) => {
      const ask = async () => (await isOnBranch(directory, commit, patterns)) || undefined;
      return (await ask()) ?? (await past.deepenUntil(commit, ask)) ?? false;
    },
    isAncestor: (ancestor: string, commit: string) => isAncestor(directory, past, ancestor, commit),
    lastCommits: async (groups: readonly (readonly string[])[], commit: string) => {
      const inside = await submoduleEdges(directory);
      const asked = groups.map((paths) => paths.map((path) => inside.find((edge) => path.startsWith(`${edge}/`)) ?? path));
      const edges = await past.edges();
      // Asks for all of them before the first one deepens the clone, which moves the boundary.
      const found = await mapInLanes(asked, (paths) => findLast(directory, paths, commit, edges));
      return Promise.all(asked.map(async (paths, index) => found[index] ?? lastCommit(directory, past, paths, commit)));
    },
  };
}

interface Past {
  /** Commits whose parents the clone does not have. */
  edges: () => Promise<Set<string>>;
  /** Asks, deepens and asks again, until there is an answer or no more history to get. */
  deepenUntil: <T>(commit: string, ask: (edges: Set<string>) => Promise<T | undefined>) => Promise<T | undefined>;
}

function createPast(directory: string, shallowFile: string): Past {
  let step = firstStep;
  let busy: Promise<boolean> | undefined;

  const edges = async () => {
    const content = await readFile(shallowFile, "utf8").catch(() => "");
    return new Set(content.split("\n").filter(Boolean));
  };

  // Two fetches at once would compete for the same lock file, so a second caller waits for the first one's result.
  const deepen = (commit: string) => {
    busy ??= fetchMore(directory, commit, step).finally(() => {
      busy = undefined;
      step *= 2;
    });
    return busy;
  };

  return {
    edges,
    deepenUntil: async (commit, ask) => {
      for (;;) {
        await busy;
        const before = await edges();
        const answer = await ask(before);
        if (answer !== undefined || before.size === 0) return answer;
        if (!(await deepen(commit))) return undefined;
        const after = await edges();
        if ([...before].every((edge) => after.has(edge))) return undefined;
      }
    },
  };
}

/** Gets `step` more commits beyond the boundary; false if the remote gives none. */
async function fetchMore(directory: string, commit: string, step: number): Promise<boolean> {
  const remote = await remoteName(directory);
  if (remote === undefined) return false;
  const flags = ["--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-gc"];
  const asked = await tryGit(directory, ["fetch", ...flags, `--deepen=${step}`, remote, commit]);
  if (asked.code === 0) return true;
  // A server that refuses requests for a commit by its ID may still provide its branches.
  return (await tryGit(directory, ["fetch", ...flags, `--deepen=${step}`, remote])).code === 0;
}

async function remoteName(directory: string): Promise<string | undefined> {
  const remotes = (await git(directory, ["remote"])).split("\n").filter(Boolean);
  return remotes.includes("origin") ? "origin" : remotes[0];
}

async function isOnBranch(directory: string, commit: string, patterns: readonly string[]): Promise<boolean> {
  const spaces = ["refs/heads", "refs/remotes/origin"];
  const { code, stdout } = await tryGit(directory, ["for-each-ref", `--contains=${commit}`, "--format=%(refname)", ...spaces]);
  if (code !== 0) return false;
  const branches = stdout.toString().split("\n").filter(Boolean);
  return branches.some((ref) => matchesAny(ref.replace(/^refs\/(heads|remotes\/origin)\//, ""), patterns));
}

/** Fetches nothing: in most cases, the deploy that asks goes on whatever the answer is. */
async function isAncestor(directory: string, past: Past, ancestor: string, commit: string): Promise<boolean | undefined> {
  const asked = await tryGit(directory, ["merge-base", "--is-ancestor", ancestor, commit]);
  if (asked.code === 0) return true;
  if (asked.code !== 1) return undefined;
  if ((await past.edges()).size === 0) return false;
  // In a shallow clone, the history between the two may be cut off. Only the reverse relation is a reliable no.
  const reverse = await tryGit(directory, ["merge-base", "--is-ancestor", commit, ancestor]);
  return reverse.code === 0 ? false : undefined;
}

async function lastCommit(directory: string, past: Past, paths: readonly string[], commit: string): Promise<LastCommit> {
  const found = await past.deepenUntil(commit, (edges) => findLast(directory, paths, commit, edges));
  return found ?? { reason: "the clone is shallow and its past could not be fetched" };
}

/**
 * Undefined if a shallow clone cannot tell.
 * @param edges commits whose parents the clone did not have when it was asked
 */
async function findLast(
  directory: string,
  paths: readonly string[],
  commit: string,
  edges: ReadonlySet<string>,
): Promise<LastCommit | undefined> {
  const output = await git(directory, ["log", "-1", "--format=%H %ct", commit, "--", ...paths]);
  const [last = "", time = ""] = output.trim().split(" ");
  // At the boundary of a shallow clone, every file looks as if the boundary commit had added it.
  if (edges.has(last)) return undefined;
  if (last !== "") return { commit: last, time: Number(time) };
  return edges.size === 0 ? { reason: "no commit has touched it" } : undefined;
}

/** Works on as many items at once as there are processors. */
async function mapInLanes<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = items.entries();
  const lane = async () => {
    for (const [index, item] of waiting) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  return results;
}
