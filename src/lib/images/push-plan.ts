import { ColdtivateError } from "../errors.ts";
import type { RevisionTags } from "./image-tags.ts";

/** What is known about an image under the release's tags, here and in the registry. */
export interface PushFacts {
  name: string;
  tags: RevisionTags;
  /** By full name: images in the local engine. */
  local: ReadonlyMap<string, LocalImage>;
  /** By full name: digests in the registry. */
  remote: ReadonlyMap<string, string>;
}

export interface LocalImage {
  id: string;
  /** The commit that its label names. */
  revision?: string;
  /** Its digests in registries. */
  digests: string[];
}

export interface PushPlan {
  images: PlannedPush[];
  /** Images that the registry has already. */
  present: string[];
}

export interface PlannedPush {
  name: string;
  /** The commit's name, if the engine pushes its image under it. */
  pushed?: string;
  /** Names that the image gets once the registry has it. */
  laterTags: string[];
}

/**
 * Decides what goes to the registry: the image of this commit if only the engine has it, and the names that do not refer to it
 * there.
 * @param lost images that the registry claims to have but does not have completely, and that must be built in any case
 * @throws ColdtivateError NOTHING_TO_PUSH if an image of this commit is neither here nor in the registry
 */
export function planPush(facts: readonly PushFacts[], lost: readonly string[] = []): PushPlan {
  const missing = facts.filter(({ tags, local, remote }) => !local.has(tags.commit) && !remote.has(tags.commit));
  if (missing.length > 0) {
    const force = missing.some(({ name }) => lost.includes(name)) ? " --force" : "";
    const names = missing.map(({ name }) => name).join(" ");
    throw new ColdtivateError(`${missing.map(({ name }) => name).join(", ")}: there is no image of this commit, here or in the registry`, {
      code: "NOTHING_TO_PUSH",
      exit: "refused",
      details: missing.map(({ tags }) => tags.commit),
      hint: `Run: coldtivate build${force}${missing.length === facts.length ? "" : ` ${names}`}`,
    });
  }
  const images = facts.map(planOne);
  return { images: images.filter((image) => !isPresent(image)), present: images.filter(isPresent).map(({ name }) => name) };
}

function isPresent({ pushed, laterTags }: PlannedPush): boolean {
  return pushed === undefined && laterTags.length === 0;
}

/** Ignores what the ref's name means here. It may still name another build, and a build that pushes does not change it. */
function planOne({ name, tags: { ref, commit }, local, remote }: PushFacts): PlannedPush {
  const image = local.get(commit);
  // From here it is unknown which image the ref's name has there.
  if (image === undefined) return { name, laterTags: [] };
  const digest = remote.get(commit);
  const isThere = digest !== undefined && image.digests.includes(digest);
  const laterTags = ref === undefined || (isThere && remote.get(ref) === digest) ? [] : [ref];
  return { name, ...(!isThere && { pushed: commit }), laterTags };
}
