import type { RegistryClient } from "../adapters/registry.ts";
import type { Config, ImageConfig } from "../config/config.ts";
import type { Revision } from "../git/revision.ts";
import { later } from "../later.ts";
import { lookUpTags } from "./look-up.ts";
import { basesNamedBy } from "./observe-content.ts";

/** What a registry was asked before it is known what to do with it. */
export interface AskedAhead {
  /** Knows base images, or asks for them. */
  bases: Pick<RegistryClient, "digestOf">;
  /** By full name: the digests that the release's tags have now, where they are to be pushed. */
  present?: Promise<ReadonlyMap<string, string>>;
}

export interface AheadOptions {
  revision: Revision;
  registry: RegistryClient;
  /** Whether the release's tags are to be pushed. */
  pushes: boolean;
}

/**
 * Asks the registry what follows from the configuration, from the Dockerfiles as they are, and from the commit, while Git looks at the
 * files. Base images come first, as what an image is made of is known with them alone.
 */
export function askAhead(config: Config, images: readonly ImageConfig[], { revision, registry, pushes }: AheadOptions): AskedAhead {
  const digests = new Map(basesNamedBy(config, images).map((reference) => [reference, later(registry.digestOf(reference))]));
  const bases = { digestOf: (reference: string) => digests.get(reference) ?? registry.digestOf(reference) };
  if (!pushes) return { bases };
  const names = images.map(({ name }) => name);
  return { bases, present: later(lookUpTags(names, config.registry.image, revision, registry)) };
}
