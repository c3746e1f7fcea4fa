import { recordTag } from "./build-record.ts";

/** A tag in an image's repository, and what it means now. */
export interface TagFact {
  tag: string;
  /** What it is: an index of ours, which stands for images by their content or by the commit they were built from; or a name of an image. */
  kind: "content" | "record" | "name";
  /** Of what the tag names. */
  digest: string;
  /** The images that it stands for: its own digest, or those that an index of ours names. */
  images: string[];
  /** When they were built, in milliseconds since the epoch; where that is known. */
  builtAt?: number;
}

/** An image that nobody will ask for again. */
export interface Leftover {
  name: string;
  digest: string;
  /** All that name it. */
  tags: string[];
  /** Of content tags and records that name it and nothing that stays. */
  indexes: string[];
  /** Milliseconds since the epoch. */
  builtAt?: number;
}

export interface PruneFacts {
  /** By image: every tag in its repository. */
  repositories: ReadonlyMap<string, readonly TagFact[]>;
  /** Digests that hosts may go back to. */
  retained: ReadonlySet<string>;
  /** Milliseconds since the epoch: what was built later stays, as somebody may be about to name it. */
  since: number;
}

/** Whether a tag stands for an image by its content. */
export function isContentTag(tag: string): boolean {
  return /^content-[0-9a-f]{40}$/.test(tag);
}

/**
 * Whether a tag is one of ours that no person ever wrote, and that keeps no image by itself: an index, or a commit's tag. A branch can
 * have a name of eight such digits, too: it is a commit's where that commit's record names the image.
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
