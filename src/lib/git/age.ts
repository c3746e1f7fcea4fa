/** What a repository is asked to tell which of two commits is older. */
export interface AgeFacts {
  /** Undefined when it cannot tell. */
  isAncestor(ancestor: string, commit: string): Promise<boolean | undefined>;
  timeOf(commit: string): Promise<Date | undefined>;
}

/**
 * Whether a commit is older than another one, which means that it is an ancestor of it. If the repository does not know both
 * commits and the history between them, the time of the commits decides. Of two commits on different branches, neither is older.
 */
export async function isOlder(
  commit: string,
  other: { commit: string; committedAt?: string | undefined },
  facts: AgeFacts,
): Promise<boolean> {
  if (commit === other.commit) return false;
  const isAncestor = await facts.isAncestor(commit, other.commit);
  if (isAncestor !== undefined) return isAncestor;
  const time = await facts.timeOf(commit);
  return time !== undefined && other.committedAt !== undefined && time.getTime() < Date.parse(other.committedAt);
}
