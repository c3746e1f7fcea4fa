import type { RegistryClient } from "../../../adapters/registry/registry.ts";
import type { Config } from "../../../config/schema/config.ts";
import { ColdtivateError } from "../../../errors.ts";
import { repositoryOfImage } from "../../../images/image-tags.ts";
import { parseRecord, recordTag } from "../../../images/build-record.ts";
import { pinReference } from "../../../common/reference.ts";
import { parseImageFacts, type ImageFacts } from "../../../services/image-facts.ts";
import { repositoryOf } from "../../../release/pins.ts";
import type { PinnedImage } from "../../../release/rendered.ts";
import { shortCommit } from "../../../git/slug.ts";

/** The project's images at a commit. */
export interface OwnImages {
  /** By repository, as `repositoryOf` returns it. */
  images: Map<string, PinnedImage>;
  /** By name: the digests that were built for that commit, the newest last; absent without a record. */
  recorded: Map<string, string[]>;
  /** What the user should know about them. */
  notes: string[];
}

/**
 * Looks up the digests of the project's images at a commit. It uses the commit's tag, never that of a branch or a Git tag,
 * because those move. If a record says what was built for the commit, the digests must match it.
 * @throws ColdtivateError IMAGES_NOT_IN_REGISTRY, IMAGES_MOVED that lists every such image, and every record of another commit
 */
export async function resolveOwnImages(
  config: { registry: Pick<Config["registry"], "image">; images: Readonly<Record<string, unknown>> },
  commit: string,
  registry: RegistryClient,
): Promise<OwnImages> {
  const tag = shortCommit(commit);
  const found = await Promise.all(
    Object.keys(config.images).map(async (name) => {
      const repository = repositoryOfImage(config.registry.image, name);
      const [digest, built] = await Promise.all([
        registry.digestOf(`${repository}:${tag}`),
        builtDigests(`${repository}:${recordTag(commit)}`, commit, registry),
      ]);
      return { name, repository, digest, built };
    }),
  );
  const missing = found.filter(({ digest }) => digest === undefined);
  if (missing.length > 0) {
    throw new ColdtivateError(`the registry does not have every image of commit ${tag}`, {
      code: "IMAGES_NOT_IN_REGISTRY",
      exit: "refused",
      details: missing.map(({ repository }) => `${repository}:${tag}`),
      hint: `Build and push them from that commit: git checkout ${tag} && coldtivate build --push`,
    });
  }
  const moved = found.filter(({ digest, built }) => built !== undefined && !built.includes(digest ?? ""));
  if (moved.length > 0) {
    throw new ColdtivateError(`what the registry has for commit ${tag} is not what was built`, {
      code: "IMAGES_MOVED",
      exit: "refused",
      details: moved.map(({ repository, digest, built = [] }) =>
        built.length === 0
          ? `${repository}:${recordTag(commit)} is no record of that commit: somebody has written over it`
          : `${repository}:${tag} is ${digest}, built was ${built.at(-1)}`,
      ),
      hint: `Find out who pushed there. To have what is built from that commit: git checkout ${tag} && coldtivate build --push`,
    });
  }
  const unknown = found.filter(({ built }) => built === undefined).map(({ name }) => name);
  return {
    recorded: new Map(found.flatMap(({ name, built }) => (built === undefined ? [] : [[name, built] as const]))),
    images: new Map(
      found.map(({ name, repository, digest }) => [
        repositoryOf(repository),
        { image: pinReference(`${repository}:${tag}`, digest ?? ""), built: name },
      ]),
    ),
    notes: unknown.length === 0 ? [] : [`no record of what was built for ${tag}, so what its tag names is taken: ${unknown.join(", ")}`],
  };
}

/**
 * The digests that were built for a commit, the newest last. Undefined without a record; empty if the record is not of that
 * commit.
 */
async function builtDigests(reference: string, commit: string, registry: RegistryClient): Promise<string[] | undefined> {
  const stored = await registry.manifestOf(reference);
  if (stored === undefined) return undefined;
  const record = parseRecord(stored.bytes.toString());
  return record?.commit === commit ? record.builds.map(({ digest }) => digest) : [];
}

/** By reference as written: the digest of its tag, for all hosts of a release. */
export type ResolvedTags = Map<string, Promise<string | undefined>>;

/**
 * The current digests of third-party images, by reference as written.
 * @param resolved the answers so far for this release; new ones are added. So all hosts get the same image, even if a tag moves
 */
export async function resolveThirdParty(
  references: readonly string[],
  registry: RegistryClient,
  resolved: ResolvedTags = new Map(),
): Promise<Map<string, PinnedImage>> {
  const resolve = (reference: string) => {
    const asked = resolved.get(reference) ?? registry.digestOf(reference);
    resolved.set(reference, asked);
    return asked;
  };
  const found = await Promise.all(references.map(async (reference) => ({ reference, digest: await resolve(reference) })));
  const missing = found.filter(({ digest }) => digest === undefined);
  if (missing.length > 0) {
    throw new ColdtivateError("images that the Compose files name do not exist", {
      code: "IMAGES_NOT_IN_REGISTRY",
      exit: "refused",
      details: missing.map(({ reference }) => reference),
      hint: "Correct their names or tags in the Compose files, or push them.",
    });
  }
  return new Map(found.map(({ reference, digest }) => [reference, { image: pinReference(reference, digest ?? "") }]));
}

export interface KnownFacts {
  /** By image as it runs. */
  facts: Map<string, ImageFacts>;
  /** Images whose facts are unknown. */
  unknown: string[];
}

/**
 * Reads what images declare about themselves. For images that the project builds, the registry has to answer: it was asked for
 * them just now. Other images may be gone from their registry and run all the same.
 *
 * @param known what earlier releases learned, by image as it runs
 */
export async function resolveFacts(
  images: readonly PinnedImage[],
  known: ReadonlyMap<string, ImageFacts>,
  registry: RegistryClient,
): Promise<KnownFacts> {
  const wanted = [...new Map(images.map((image) => [image.image, image])).values()];
  const found = await Promise.all(
    wanted.map(async ({ image, built }) => {
      const before = known.get(image);
      if (before !== undefined) return { image, facts: before };
      const asked = registry.configurationOf(image);
      const text = await (built === undefined ? asked.catch(unlessInvalid) : asked);
      return { image, facts: text === undefined ? undefined : parseImageFacts(text) };
    }),
  );
  return {
    facts: new Map(found.flatMap(({ image, facts }) => (facts === undefined ? [] : [[image, facts] as const]))),
    unknown: found.filter(({ facts }) => facts === undefined).map(({ image }) => image),
  };
}

/** A registry that gives a false answer about an image has not lost it. */
function unlessInvalid(error: unknown): undefined {
  if (error instanceof ColdtivateError && error.code === "REGISTRY_ANSWER_INVALID") throw error;
}
