import { ColdtivateError } from "../errors.ts";

/** What is known about an image under the release's tags, here and in the registry. */
export interface PushFacts {
  name: string;
  /** Full names under the release's tags; the last one is by the commit. */
  tags: string[];
  /** By full name: images in the local engine. */
  local: ReadonlyMap<string, LocalImage>;
  /** By full name: digests in the registry. */
  remote: ReadonlyMap<string, string>;
}

export interface LocalImage {
  id: string;
  /** The commit that its label names. */
  revision?: string;
  /** Digests that it goes by in registries. */
  digests: string[];
}

export interface PushPlan {
  images: { name: string; tags: string[] }[];
  /** Images that the registry has already. */
  present: string[];
}

/**
 * Decides which tags go to the registry: those that the image of this commit has here, and the registry has not.
 * @param lost images that the registry says it has, and has not whole: to be built whatever it says
 * @throws ColdtivateError NOTHING_TO_PUSH when an image of this commit is neither here nor there
 */
export function planPush(facts: readonly PushFacts[], lost: readonly string[] = []): PushPlan {
  const missing = facts.filter(({ tags, local, remote }) => !local.has(tags.at(-1) ?? "") && !remote.has(tags.at(-1) ?? ""));
  if (missing.length > 0) {
    const force = missing.some(({ name }) => lost.includes(name)) ? " --force" : "";
    const names = missing.map(({ name }) => name).join(" ");
    throw new ColdtivateError(`${missing.map(({ name }) => name).join(", ")}: there is no image of this commit, here or in the registry`, {
      code: "NOTHING_TO_PUSH",
      exit: "refused",
      details: missing.map(({ tags }) => tags.at(-1) ?? ""),
      hint: `Nothing was pushed. Run: coldtivate build${force}${missing.length === facts.length ? "" : ` ${names}`}`,
    });
  }
  const images = facts.map((each) => ({ name: each.name, tags: tagsToPush(each) }));
  return {
    images: images.filter(({ tags }) => tags.length > 0),
    present: images.filter(({ tags }) => tags.length === 0).map(({ name }) => name),
  };
}

/** The ref's tag may still be another build's here: only what is this commit's image goes. */
function tagsToPush({ tags, local, remote }: PushFacts): string[] {
  const image = local.get(tags.at(-1) ?? "");
  if (image === undefined) return [];
  return tags.filter((tag) => {
    const digest = remote.get(tag);
    return local.get(tag)?.id === image.id && !(digest !== undefined && image.digests.includes(digest));
  });
}
