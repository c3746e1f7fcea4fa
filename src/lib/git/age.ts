/** The questions that telling which of two commits is older asks of a repository. */
export interface AgeFacts {
  /** Undefined when it cannot tell. */
  isAncestor(ancestor: string, commit: string): Promise<boolean | undefined>;
  timeOf(commit: string): Promise<Date | undefined>;
}

/**
 * Whether a commit is older than another one: an ancestor of it, or, where the repository does not know both with the way
 * between them, committed before it. Of two that have gone different ways neither is.
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
