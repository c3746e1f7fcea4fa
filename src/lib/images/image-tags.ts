import type { Revision } from "../git/revision.ts";
import { shortCommit } from "../git/slug.ts";

/** Where an image is in the registry, without a tag. */
export function repositoryOfImage(registryImage: string, name: string): string {
  return `${registryImage}/${name}`;
}

/** An image's full name with a tag. */
export function taggedImage(registryImage: string, name: string, tag: string): string {
  return `${repositoryOfImage(registryImage, name)}:${tag}`;
}

/** An image's full name with its digest. */
export function pinnedImage(registryImage: string, name: string, digest: string): string {
  return `${repositoryOfImage(registryImage, name)}@${digest}`;
}

/** An image's full names for a revision. */
export interface RevisionTags {
  /** With the slug of its branch or tag. Absent if it has none. */
  ref?: string;
  /** With its commit. */
  commit: string;
}

/** The full names that an image has for a revision. */
export function revisionTags(registryImage: string, name: string, { commit, slug }: Revision): RevisionTags {
  const named = (tag: string) => taggedImage(registryImage, name, tag);
  const short = shortCommit(commit);
  return { ...(slug !== undefined && slug !== short && { ref: named(slug) }), commit: named(short) };
}

/** All full names, the commit's last: an image that can be found by its commit then already has its other names. */
export function allTags({ ref, commit }: RevisionTags): string[] {
  return ref === undefined ? [commit] : [ref, commit];
}
