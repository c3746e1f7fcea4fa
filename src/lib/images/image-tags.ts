import type { Revision } from "../git/revision.ts";
import { shortCommit } from "../git/slug.ts";

/** Where an image is in the registry, without a tag. */
export function repositoryOfImage(registryImage: string, name: string): string {
  return `${registryImage}/${name}`;
}

/** An image's full name by a tag. */
export function taggedImage(registryImage: string, name: string, tag: string): string {
  return `${repositoryOfImage(registryImage, name)}:${tag}`;
}

/** An image's full name by its digest. */
export function pinnedImage(registryImage: string, name: string, digest: string): string {
  return `${repositoryOfImage(registryImage, name)}@${digest}`;
}

/** An image's full names for a revision. */
export interface RevisionTags {
  /** By the slug of its branch or tag; absent where it has none. */
  ref?: string;
  /** By its commit. */
  commit: string;
}

/** The full names that an image has for a revision. */
export function revisionTags(registryImage: string, name: string, { commit, slug }: Revision): RevisionTags {
  const named = (tag: string) => taggedImage(registryImage, name, tag);
  const short = shortCommit(commit);
  return { ...(slug !== undefined && slug !== short && { ref: named(slug) }), commit: named(short) };
}

/** All of them, the commit's last: what is found by the commit is there with its other names. */
export function allTags({ ref, commit }: RevisionTags): string[] {
  return ref === undefined ? [commit] : [ref, commit];
}
