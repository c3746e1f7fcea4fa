const longest = 63;

/**
 * A ref's name as GitLab writes it in CI_COMMIT_REF_SLUG: lower case, everything but `[a-z0-9]` a hyphen,
 * at most 63 bytes, no hyphen at either end. Empty when nothing is left of it.
 */
export function slugify(ref: string): string {
  return ref
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "-")
    .slice(0, longest)
    .replace(/^-+|-+$/g, "");
}

/** As much of a commit as people compare: as long as GitLab's CI_COMMIT_SHORT_SHA. */
export function shortCommit(commit: string): string {
  return commit.slice(0, 8);
}
