import { sha256 } from "../../adapters/hash.ts";
import type { RegistryClient } from "../../adapters/registry/registry.ts";
import { ColdtivateError } from "../../errors.ts";
import type { Revision } from "../../git/revision.ts";
import type { Content } from "../../content/content-digest.ts";
import { readRecord, type ContentRecord } from "../../content/content-record.ts";
import { allTags, revisionTags, taggedImage } from "../../images/image-tags.ts";

/**
 * Looks up the record under each image's content tag. An image that the registry does not show has no record.
 * @param onMissing called as soon as an image turns out to have no record
 */
export async function lookUpRecords(
  contents: readonly Content[],
  registryImage: string,
  registry: Pick<RegistryClient, "manifestOf">,
  onMissing: () => void = () => {},
): Promise<Map<string, ContentRecord>> {
  const found = await Promise.all(
    contents.map(async ({ name, tag }) => {
      const record = tag === undefined ? undefined : await readRecordAt(taggedImage(registryImage, name, tag), registry);
      const fitting = record?.tag === tag ? record : undefined;
      if (fitting === undefined) onMissing();
      return [name, fitting] as const;
    }),
  );
  return new Map(found.filter((entry): entry is [string, ContentRecord] => entry[1] !== undefined));
}

/** Reads the record under a name. Returns undefined if there is none or if it cannot be read. */
export async function readRecordAt(reference: string, registry: Pick<RegistryClient, "manifestOf">): Promise<ContentRecord | undefined> {
  const manifest = await orUndefined(registry.manifestOf(reference));
  return manifest && readRecord(manifest, sha256);
}

/** Looks up the current digests of the release's tags, by full name. */
export async function lookUpTags(
  names: readonly string[],
  registryImage: string,
  revision: Revision,
  registry: Pick<RegistryClient, "digestOf">,
): Promise<Map<string, string>> {
  const tags = names.flatMap((name) => allTags(revisionTags(registryImage, name, revision)));
  const found = await Promise.all(tags.map(async (tag) => [tag, await orUndefined(registry.digestOf(tag))] as const));
  return new Map(found.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Some registries answer the same for a repository that does not exist yet and for one that they do not show. */
async function orUndefined<T>(asked: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ColdtivateError && error.code === "REGISTRY_DENIED") return undefined;
    throw error;
  }
}
