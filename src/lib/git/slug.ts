const longest = 63;

/**
 * A ref's name as GitLab writes it in CI_COMMIT_REF_SLUG: in lower case, with a hyphen for everything but `[a-z0-9]`, at most 63
 * bytes long, without a hyphen at either end. Empty if nothing is left.
 */
export function slugify(ref: string): string {
  return ref
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "-")
    .slice(0, longest)
    .replace(/^-+|-+$/g, "");
}

/** Shortens a commit to as many digits as people compare, like GitLab's CI_COMMIT_SHORT_SHA. */
export function shortCommit(commit: string): string {
  return commit.slice(0, 8);
}
