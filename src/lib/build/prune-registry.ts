import type { RegistryClient, StoredManifest } from "../adapters/registry.ts";
import { ColdtivateError } from "../errors.ts";
import { isRecordTag } from "../images/build-record.ts";
import { readIndex, readParts } from "../images/named-images.ts";
import { isContentTag, isOwnTag, type Leftover, type TagFact } from "../images/prune-plan.ts";

/** Every tag of the images' repositories, and what it means now. */
export async function observeTags(
  names: readonly string[],
  registryImage: string,
  registry: RegistryClient,
): Promise<Map<string, TagFact[]>> {
  const observed = await Promise.all(
    names.map(async (name) => {
      const repository = `${registryImage}/${name}`;
      const tags = await registry.tagsOf(repository);
      const facts = await Promise.all(tags.map((tag) => observeTag(repository, tag, registry)));
      return [name, facts.filter((fact) => fact !== undefined)] as const;
    }),
  );
  return new Map(observed);
}

async function observeTag(repository: string, tag: string, registry: RegistryClient): Promise<TagFact | undefined> {
  const reference = `${repository}:${tag}`;
  if (isContentTag(tag) || isRecordTag(tag)) {
    const stored = await registry.manifestOf(reference);
    const index = stored && readIndex(stored.bytes.toString());
    return stored && { tag, digest: stored.digest, images: [stored.digest], ...index };
  }
  const digest = await registry.digestOf(reference);
  return digest === undefined ? undefined : { tag, digest, images: [digest] };
}

/**
 * Removes leftovers: first what they are found by, then, where nobody has named them in the meantime, the images,
 * and last what those consisted of, such as the manifest for each platform.
 *
 * @param retained digests that hosts may go back to: what they consist of stays
 * @returns those that are gone
 * @throws ColdtivateError REGISTRY_KEEPS_ALL, REGISTRY_UNAUTHORIZED, REGISTRY_DENIED, REGISTRY_UNREACHABLE
 */
export async function removeLeftovers(
  leftovers: readonly Leftover[],
  registryImage: string,
  registry: RegistryClient,
  retained: ReadonlySet<string>,
): Promise<Leftover[]> {
  const remove = (name: string, digest: string) => registry.deleteManifest(`${registryImage}/${name}@${digest}`);
  const indexes = new Map(
    leftovers.flatMap(({ name, indexes: its }) => its.map((digest) => [`${name}@${digest}`, { name, digest }] as const)),
  );
  await Promise.all([...indexes.values()].map(({ name, digest }) => remove(name, digest)));
  const names = [...new Set(leftovers.map(({ name }) => name))];
  const tags = await observeTags(names, registryImage, registry);
  const idle = leftovers.filter(
    ({ name, digest }) => !(tags.get(name) ?? []).some(({ tag, images }) => !isOwnTag(tag) && images.includes(digest)),
  );
  const parts = await Promise.all(
    names.map(async (name) => {
      const removed = idle.filter((leftover) => leftover.name === name).map(({ digest }) => digest);
      const others = [...(tags.get(name) ?? []).flatMap(({ digest, images }) => [digest, ...images]), ...retained];
      return [name, await findOwnParts(removed, others, (digest) => registry.manifestOf(`${registryImage}/${name}@${digest}`))] as const;
    }),
  );
  await Promise.all(idle.map(({ name, digest }) => remove(name, digest)));
  await Promise.all(parts.flatMap(([name, digests]) => digests.map((digest) => remove(name, digest))));
  return idle;
}

/** Manifests that images consist of and no others: a registry keeps whatever is not removed by its own digest. */
async function findOwnParts(
  removed: readonly string[],
  others: readonly string[],
  load: (digest: string) => Promise<StoredManifest | undefined>,
): Promise<string[]> {
  const partsOf = async (digests: readonly string[]) => {
    const manifests = await Promise.all([...new Set(digests)].map(load));
    return manifests.flatMap((stored) => (stored === undefined ? [] : readParts(stored.bytes.toString())));
  };
  const own = new Set(await partsOf(removed));
  if (own.size === 0) return [];
  const left = others.filter((digest) => !removed.includes(digest));
  const shared = new Set([...left, ...(await partsOf(left))]);
  return [...own].filter((digest) => !shared.has(digest));
}

/** @throws ColdtivateError REGISTRY_DENIED where there is nothing that the registry shows */
export function refuseEmpty(repositories: ReadonlyMap<string, readonly TagFact[]>, registryImage: string): void {
  if ([...repositories.values()].some((facts) => facts.length > 0)) return;
  throw new ColdtivateError(`the registry has no image under ${registryImage}`, {
    code: "REGISTRY_DENIED",
    exit: "refused",
    hint: "Nothing was removed. Check registry.image in coldtivate.yml.",
  });
}
