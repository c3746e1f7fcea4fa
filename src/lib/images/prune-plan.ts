import { recordTag } from "./build-record.ts";

/** A tag in an image's repository, and what it refers to now. */
export interface TagFact {
  tag: string;
  /** One of our indexes, which refers to images by their content or by the commit they were built from; or a name of an image. */
  kind: "content" | "record" | "name";
  /** The digest of what the tag names. */
  digest: string;
  /** The images that it refers to: its own digest, or those that one of our indexes names. */
  images: string[];
  /** When they were built, in milliseconds since the epoch, if known. */
  builtAt?: number;
}

/** An image that nobody needs any more. */
export interface Leftover {
  name: string;
  digest: string;
  /** All tags that name it. */
  tags: string[];
  /** The digests of content tags and records that name it and no image that stays. */
  indexes: string[];
  /** Milliseconds since the epoch. */
  builtAt?: number;
}

export interface PruneFacts {
  /** By image: every tag in its repository. */
  repositories: ReadonlyMap<string, readonly TagFact[]>;
  /** Digests that hosts may go back to. */
  retained: ReadonlySet<string>;
  /** Milliseconds since the epoch. Images that were built later stay, because somebody may be about to name them. */
  since: number;
}

/** Whether a tag is a content tag. */
export function isContentTag(tag: string): boolean {
  return /^content-[0-9a-f]{40}$/.test(tag);
}

/**
 * Whether a tag is one of ours that nobody writes themselves and that keeps no image: an index, or a commit's tag. A branch can
 * also have a name of eight such digits. The tag is a commit's if that commit's record names the image.
 * @param facts all tags of the repository
 */
export function isOwnTag({ tag, kind, digest }: TagFact, facts: readonly TagFact[]): boolean {
  if (kind !== "name") return true;
  if (!/^[0-9a-f]{8}$/.test(tag)) return false;
  return facts.some((record) => record.kind === "record" && record.tag.startsWith(recordTag(tag)) && record.images.includes(digest));
}

/**
 * Finds images that were built from a commit, that no branch or tag names any more, and that no host keeps.
 * Any tag that is not one of ours keeps what it names.
 */
export function planPrune({ repositories, retained, since }: PruneFacts): Leftover[] {
  return [...repositories].flatMap(([name, facts]) => {
    const kept = new Set(retained);
    for (const fact of facts) {
      if (!isOwnTag(fact, facts)) kept.add(fact.digest);
      if ((fact.builtAt ?? 0) > since) for (const image of fact.images) kept.add(image);
    }
    const known = facts.filter(({ kind }) => kind !== "name");
    const digests = new Set(known.flatMap(({ images }) => images));
    return [...digests].filter((digest) => !kept.has(digest)).map((digest) => describe(name, digest, facts, kept));
  });
}

function describe(name: string, digest: string, facts: readonly TagFact[], kept: ReadonlySet<string>): Leftover {
  const naming = facts.filter(({ images }) => images.includes(digest));
  const indexes = naming.filter((fact) => fact.digest !== digest && !fact.images.some((image) => kept.has(image)));
  const times = naming.flatMap(({ builtAt }) => builtAt ?? []);
  return {
    name,
    digest,
    tags: naming.map(({ tag }) => tag).toSorted(),
    indexes: [...new Set(indexes.map((index) => index.digest))],
    ...(times.length > 0 && { builtAt: Math.max(...times) }),
  };
}
