import type { CommitTree } from "../../adapters/git/git-commit.ts";
import type { SourceTree } from "../../compose/sources.ts";
import { refuseSources } from "./commit/source-faults.ts";

/**
 * Reads files or whole folders of a commit. A path that the commit does not have, or that leads out of it, is missing from the
 * result.
 * @throws ColdtivateError SOURCE_UNREADABLE
 */
export async function readSources(commit: CommitTree, paths: readonly string[]): Promise<Map<string, SourceTree>> {
  const inside = paths.filter((path) => path !== ".." && !path.startsWith("../"));
  const parts = await Promise.all(inside.map(async (path) => ({ path, ...(await commit.read(path)) })));
  refuseSources(parts.flatMap(({ faults }) => faults));
  return new Map(parts.flatMap(({ path, files }) => (files === undefined ? [] : [[path, { files }]])));
}
