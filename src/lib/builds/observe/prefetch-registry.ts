import type { RegistryClient } from "../../adapters/registry/registry.ts";
import type { Config, ImageConfig } from "../../config/schema/config.ts";
import type { Revision } from "../../git/revision.ts";
import { markHandled } from "../../common/mark-handled.ts";
import type { PresentOf } from "./compare-content.ts";
import { lookUpTags } from "./look-up.ts";
import { basesNamedBy } from "./observe-content.ts";

/** What a registry was asked before it is known what to do with it. */
export interface PrefetchedRegistry {
  /** Knows base images, or asks for them. */
  bases: Pick<RegistryClient, "digestOf">;
  /** By full name: the digests that the release's tags of images have now, where they are pushed. */
  presentOf?: PresentOf;
}

export interface PrefetchOptions {
  revision: Revision;
  registry: RegistryClient;
  /** Whether images are pushed. */
  pushes: boolean;
  /** Whether they are built whatever the registry has. */
  force: boolean;
}

/**
 * Asks the registry what follows from the configuration, from the Dockerfiles as they are, and from the commit, while Git looks at the
 * files. Base images come first, as what an image is made of is known with them alone.
 */
export function prefetchRegistry(
  config: Config,
  images: readonly ImageConfig[],
  { revision, registry, pushes, force }: PrefetchOptions,
): PrefetchedRegistry {
  const digests = new Map(basesNamedBy(config, images).map((reference) => [reference, markHandled(registry.digestOf(reference))]));
  const bases = { digestOf: (reference: string) => digests.get(reference) ?? registry.digestOf(reference) };
  if (!pushes) return { bases };
  const ask = (name: string) => lookUpTags([name], config.registry.image, revision, registry);
  const names = images.map(({ name }) => name);
  // Where nothing has to be known, it is still better to hear before the build that the registry cannot be reached.
  return { bases, presentOf: askTagsAhead(force ? names.slice(0, 1) : names, ask) };
}

/**
 * Asks for the tags of one image, and of the others as soon as it has any. Where it has none, the registry has probably none of the
 * others' either, and a build is not held up by asking for them: they are asked for by whom they matter to.
 */
function askTagsAhead(names: readonly string[], ask: (name: string) => Promise<ReadonlyMap<string, string>>): PresentOf {
  const asked = new Map<string, Promise<ReadonlyMap<string, string>>>();
  const answerOf = (name: string) => {
    const answer = asked.get(name) ?? markHandled(ask(name));
    asked.set(name, answer);
    return answer;
  };
  const probe = async () => {
    const [first, ...others] = names;
    if (first !== undefined && (await answerOf(first)).size > 0) others.forEach((name) => void answerOf(name));
  };
  const probed = markHandled(probe());
  return async (wanted) => {
    await probed;
    const found = await Promise.all(wanted.map(answerOf));
    return new Map(found.flatMap((each) => [...each]));
  };
}
