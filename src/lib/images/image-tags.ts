import type { Revision } from "../git/revision.ts";

/** Length of the abbreviated commit in a tag: that of GitLab's CI_COMMIT_SHORT_SHA. */
const shortLength = 8;

/** The tag that finds an image by its commit. */
export function commitTag(commit: string): string {
  return commit.slice(0, shortLength);
}

/** An image's full names for a revision: by its ref's slug, where it has one, and by its commit. */
export function releaseTags(registryImage: string, name: string, { commit, slug }: Revision): string[] {
  const tags = slug === undefined ? [] : [slug];
  return [...new Set([...tags, commitTag(commit)])].map((tag) => `${registryImage}/${name}:${tag}`);
}
