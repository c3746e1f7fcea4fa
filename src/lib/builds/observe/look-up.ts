import { sha256 } from "../../adapters/hash.ts";
import type { RegistryClient } from "../../adapters/registry/registry.ts";
import { ColdtivateError } from "../../errors.ts";
import type { Revision } from "../../git/revision.ts";
import type { Content } from "../../content/content-digest.ts";
import { readRecord, type ContentRecord } from "../../content/content-record.ts";
import { allTags, revisionTags, taggedImage } from "../../images/image-tags.ts";

/**
 * By image: what the registry has under the content's tag; an image that it does not show has none.
 * @param onMissing called as soon as there is one without
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

/** The record under a name; undefined where there is none, or none that can be read. */
export async function readRecordAt(reference: string, registry: Pick<RegistryClient, "manifestOf">): Promise<ContentRecord | undefined> {
  const manifest = await orUndefined(registry.manifestOf(reference));
  return manifest && readRecord(manifest, sha256);
}

/** By full name: the digests that the release's tags have now. */
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

/** Some registries do not tell a repository that is not there yet from one that they do not show. */
async function orUndefined<T>(asked: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ColdtivateError && error.code === "REGISTRY_DENIED") return undefined;
    throw error;
  }
}
