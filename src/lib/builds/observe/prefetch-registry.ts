import type { RegistryClient } from "../../adapters/registry/registry.ts";
import type { Config, ImageConfig } from "../../config/schema/config.ts";
import type { Revision } from "../../git/revision.ts";
import { markHandled } from "../../common/mark-handled.ts";
import type { PresentOf } from "./observe-images.ts";
import { lookUpTags } from "./look-up.ts";
import { basesNamedBy } from "./observe-content.ts";

/** Registry requests that start early, before it is known how their answers will be used. */
export interface PrefetchedRegistry {
  /** Resolves base images, from the answers that were requested early or with a new request. */
  bases: Pick<RegistryClient, "digestOf">;
  /** Looks up the current digests of the images' release tags, by full name. Absent unless images are pushed. */
  presentOf?: PresentOf;
}

export interface PrefetchOptions {
  revision: Revision;
  registry: RegistryClient;
  /** Whether images are pushed. */
  pushes: boolean;
  /** Whether all images are built, whatever the registry has. */
  force: boolean;
}

/**
 * Starts registry requests while Git looks at the files. The configuration, the Dockerfiles in the working directory and the
 * commit tell what to ask. Base images come first, because the content of an image is unknown without them.
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
  // A forced build needs no answer. One request still shows before the build whether the registry can be reached.
  return { bases, presentOf: askTagsAhead(force ? names.slice(0, 1) : names, ask) };
}

/**
 * Asks for the tags of one image first, and for those of the others as soon as that image has any. If it has none, the registry
 * probably has none of the others' tags either. A build must not wait for those requests, so they are sent only when needed.
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
