import type { RegistryClient } from "../adapters/registry.ts";
import type { Config } from "../config/config.ts";
import { ColdtivateError } from "../errors.ts";
import { pinReference } from "../images/reference.ts";
import type { PinnedImage } from "../release/render.ts";

/**
 * The digests of the project's images at a commit, by repository. They are looked up by the commit's tag, never by a
 * branch's or tag's, which moves.
 * @throws ColdtivateError IMAGES_NOT_IN_REGISTRY that names every missing one
 */
export async function resolveOwnImages(config: Config, commit: string, registry: RegistryClient): Promise<Map<string, PinnedImage>> {
  const tag = commit.slice(0, 8);
  const repositories = Object.keys(config.images).map((name) => ({ name, repository: `${config.registry.image}/${name}` }));
  const found = await Promise.all(
    repositories.map(async ({ name, repository }) => ({ name, repository, digest: await registry.digestOf(`${repository}:${tag}`) })),
  );
  const missing = found.filter(({ digest }) => digest === undefined);
  if (missing.length > 0) {
    throw new ColdtivateError(`the registry does not have every image of commit ${tag}`, {
      code: "IMAGES_NOT_IN_REGISTRY",
      exit: "refused",
      details: missing.map(({ repository }) => `${repository}:${tag}`),
      hint: `Nothing was changed. Build and push them from that commit: git checkout ${tag} && coldtivate build --push`,
    });
  }
  return new Map(
    found.map(({ name, repository, digest }) => [repository, { image: pinReference(`${repository}:${tag}`, digest ?? ""), built: name }]),
  );
}

/** The digests that other images' tags mean now, by reference as written. */
export async function resolveThirdParty(references: readonly string[], registry: RegistryClient): Promise<Map<string, PinnedImage>> {
  const found = await Promise.all(references.map(async (reference) => ({ reference, digest: await registry.digestOf(reference) })));
  const missing = found.filter(({ digest }) => digest === undefined);
  if (missing.length > 0) {
    throw new ColdtivateError("images that the Compose files name do not exist", {
      code: "IMAGES_NOT_IN_REGISTRY",
      exit: "refused",
      details: missing.map(({ reference }) => reference),
      hint: "Nothing was changed. Correct their names or tags in the Compose files, or push them.",
    });
  }
  return new Map(found.map(({ reference, digest }) => [reference, { image: pinReference(reference, digest ?? "") }]));
}
