import { setTimeout as wait } from "node:timers/promises";
import type { RegistryClient } from "../../adapters/registry/registry.ts";
import type { StoredManifest } from "../../common/forms.ts";
import { ColdtivateError } from "../../errors.ts";
import { isRecordTag } from "../../images/build-record.ts";
import { readImageIndex, readParts } from "../../images/named-images.ts";
import { isContentTag, type Leftover, type TagFact } from "../../images/prune-plan.ts";
import { pinnedImage, repositoryOfImage } from "../../images/image-tags.ts";

/** Reads every tag in the images' repositories, and what it refers to now. */
export async function observeTags(
  names: readonly string[],
  registryImage: string,
  registry: RegistryClient,
): Promise<Map<string, TagFact[]>> {
  const observed = await Promise.all(
    names.map(async (name) => {
      const repository = repositoryOfImage(registryImage, name);
      const tags = await registry.tagsOf(repository);
      const facts = await Promise.all(tags.map((tag) => observeTag(repository, tag, registry)));
      return [name, facts.filter((fact) => fact !== undefined)] as const;
    }),
  );
  return new Map(observed);
}

/**
 * Pauses in milliseconds before asking again for a tag that is listed but not found. A registry may lack a tag for a moment while
 * somebody moves it.
 */
const pauses = [100, 400];

async function observeTag(repository: string, tag: string, registry: RegistryClient): Promise<TagFact | undefined> {
  for (const pause of pauses) {
    const found = await lookAt(repository, tag, registry);
    if (found !== undefined) return found;
    await wait(pause);
  }
  return lookAt(repository, tag, registry);
}

async function lookAt(repository: string, tag: string, registry: RegistryClient): Promise<TagFact | undefined> {
  const reference = `${repository}:${tag}`;
  if (isContentTag(tag) || isRecordTag(tag)) {
    const stored = await registry.manifestOf(reference);
    const index = stored && readImageIndex(stored.bytes.toString());
    // A branch can have such a name, too.
    if (index?.tag === tag) return { tag, kind: isContentTag(tag) ? "content" : "record", digest: stored!.digest, ...index };
    return stored && { tag, kind: "name", digest: stored.digest, images: [stored.digest] };
  }
  const digest = await registry.digestOf(reference);
  return digest === undefined ? undefined : { tag, kind: "name", digest, images: [digest] };
}

/** How many images are removed before the tags are read again. */
const atOnce = 16;

/**
 * Removes leftovers in this order:
 * - the content tags and records that lead to them
 * - the images, unless somebody has named them in the meantime
 * - the manifests that the images consisted of, such as the one for each platform
 *
 * Removing a manifest also removes every tag that names it by then. So the tags are read before and after each small batch of
 * images.
 *
 * @param retained digests that hosts may go back to; the manifests that they consist of stay
 * @returns the leftovers that were removed
 * @throws ColdtivateError PRUNE_RACED, REGISTRY_KEEPS_ALL, REGISTRY_UNAUTHORIZED, REGISTRY_DENIED, REGISTRY_UNREACHABLE
 */
export async function removeLeftovers(
  leftovers: readonly Leftover[],
  registryImage: string,
  registry: RegistryClient,
  retained: ReadonlySet<string>,
): Promise<Leftover[]> {
  const remove = (name: string, digest: string) => registry.deleteManifest(pinnedImage(registryImage, name, digest));
  const indexes = new Map(
    leftovers.flatMap(({ name, indexes: its }) => its.map((digest) => [`${name}@${digest}`, { name, digest }] as const)),
  );
  await Promise.all([...indexes.values()].map(({ name, digest }) => remove(name, digest)));
  const names = [...new Set(leftovers.map(({ name }) => name))];
  const observe = () => observeTags(names, registryImage, registry);
  const partsOf = readPartsOnce((name, digest) => registry.manifestOf(pinnedImage(registryImage, name, digest)));
  // Read them now. They are gone by the time they are needed.
  await Promise.all(leftovers.map(({ name, digest }) => partsOf(name, digest)));

  const gone: Leftover[] = [];
  const lost: string[] = [];
  let tags = await observe();
  for (let start = 0; start < leftovers.length; start += atOnce) {
    const before = tags;
    const idle = leftovers.slice(start, start + atOnce).filter((leftover) => !isNamed(leftover, before.get(leftover.name) ?? []));
    await Promise.all(idle.map(({ name, digest }) => remove(name, digest)));
    gone.push(...idle);
    tags = await observe();
    for (const name of names) lost.push(...findLost(idle, name, before.get(name) ?? [], tags.get(name) ?? []));
  }
  for (const name of names) {
    const removed = gone.filter((leftover) => leftover.name === name).map(({ digest }) => digest);
    const others = [...(tags.get(name) ?? []).flatMap(({ digest, images }) => [digest, ...images]), ...retained];
    const own = await findOwnParts(removed, others, (digest) => partsOf(name, digest));
    await Promise.all(own.map((digest) => remove(name, digest)));
  }
  if (lost.length > 0) throw raced(lost);
  return gone;
}

/**
 * Whether anything names the image that did not do so when it was found to be a leftover. Tags that named it then do not keep it.
 * If none of those names is listed any more, the list is not trusted and the image stays: its names only go with the image, which
 * is still there.
 */
function isNamed({ digest, tags }: Leftover, facts: readonly TagFact[]): boolean {
  const names = tags.filter((tag) => !isContentTag(tag) && !isRecordTag(tag));
  const isListed = names.length === 0 || facts.some(({ tag }) => names.includes(tag));
  return !isListed || facts.some(({ tag, images }) => images.includes(digest) && !tags.includes(tag));
}

/** Finds tags that were removed along with an image that they had not named before, and indexes that now name a removed image. */
function findLost(removed: readonly Leftover[], name: string, before: readonly TagFact[], after: readonly TagFact[]): string[] {
  const digests = new Set(removed.flatMap((leftover) => (leftover.name === name ? [leftover.digest] : [])));
  if (digests.size === 0) return [];
  const isOurs = ({ images }: TagFact) => images.some((image) => digests.has(image));
  const vanished = before.filter((fact) => !isOurs(fact) && !after.some(({ tag }) => tag === fact.tag));
  const late = after.filter((fact) => isOurs(fact) && !before.some((each) => each.tag === fact.tag && isOurs(each)));
  return [...vanished, ...late].map(({ tag }) => `${name}:${tag}`);
}

/**
 * Reads the digests of the manifests that an image consists of. Asks for each only once, because the client does not cache
 * answers.
 */
function readPartsOnce(load: (name: string, digest: string) => Promise<StoredManifest | undefined>) {
  const known = new Map<string, Promise<string[]>>();
  const read = async (name: string, digest: string) => readParts((await load(name, digest))?.bytes.toString() ?? "");
  return (name: string, digest: string): Promise<string[]> => {
    const found = known.get(`${name}@${digest}`) ?? read(name, digest);
    known.set(`${name}@${digest}`, found);
    return found;
  };
}

/**
 * Finds the manifests that only the removed images consist of. A registry keeps each of them until it is removed by its own
 * digest.
 */
async function findOwnParts(
  removed: readonly string[],
  others: readonly string[],
  partsOf: (digest: string) => Promise<string[]>,
): Promise<string[]> {
  const allPartsOf = async (digests: readonly string[]) => (await Promise.all([...new Set(digests)].map(partsOf))).flat();
  const own = new Set(await allPartsOf(removed));
  if (own.size === 0) return [];
  const left = others.filter((digest) => !removed.includes(digest));
  const shared = new Set([...left, ...(await allPartsOf(left))]);
  return [...own].filter((digest) => !shared.has(digest));
}

function raced(lost: readonly string[]): ColdtivateError {
  return new ColdtivateError("somebody named images while they were removed, and these names went with them", {
    code: "PRUNE_RACED",
    exit: "failed",
    details: lost,
    hint: "What serves is as it was. Build those commits again: coldtivate build --push puts the names back. What else was listed is removed.",
  });
}

/** @throws ColdtivateError REGISTRY_DENIED if the registry shows no image at all */
export function refuseEmpty(repositories: ReadonlyMap<string, readonly TagFact[]>, registryImage: string): void {
  if ([...repositories.values()].some((facts) => facts.length > 0)) return;
  throw new ColdtivateError(`the registry has no image under ${registryImage}`, {
    code: "REGISTRY_DENIED",
    exit: "refused",
    hint: "Check registry.image in coldtivate.yml.",
  });
}
