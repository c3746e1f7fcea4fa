import type { RegistryClient } from "../../adapters/registry/registry.ts";
import type { Config, ImageConfig } from "../../config/schema/config.ts";
import { ColdtivateError } from "../../errors.ts";
import type { ContentRecord } from "../../content/content-record.ts";
import type { Reporter } from "../../report/progress.ts";
import { lookUpRecords } from "./look-up.ts";
import { observeContent, type ObservedContent } from "./observe-content.ts";
import type { Checkout } from "./prepare-build.ts";

/** What the images are made of, and what the registry has of it. */
export interface ObservedImages extends ObservedContent {
  /** What the registry has under the content tag, by image. */
  records: ReadonlyMap<string, ContentRecord>;
  /** The current digests of the release's tags, by full name. Holds at least those of unchanged images. */
  present: ReadonlyMap<string, string>;
  /** Whether the registry answers. */
  reachable: boolean;
}

/** Looks up the current digests of the images' release tags, by full name. */
export type PresentOf = (names: readonly string[]) => Promise<ReadonlyMap<string, string>>;

export interface ObserveOptions {
  registry: RegistryClient;
  /** Resolves base images, from earlier answers if there are any. */
  bases?: Pick<RegistryClient, "digestOf">;
  /** Looks up the release's tags of unchanged images. Set only where they matter. */
  presentOf?: PresentOf | undefined;
  /** Whether all images are built. Then their content is not looked for in the registry. */
  force: boolean;
  /** Whether the command writes to the registry and so cannot do without it. */
  needsRegistry: boolean;
  reporter: Reporter;
  /** Called as soon as it is known that an image has to be built. */
  onMissing?: () => void;
}

/**
 * Works out what the images are made of, and looks for it in the registry.
 * @throws ColdtivateError REGISTRY_UNREACHABLE, REGISTRY_UNAUTHORIZED if the registry is needed; otherwise this is a warning, and
 * the registry counts as empty
 */
export async function observeImages(
  config: Config,
  images: readonly ImageConfig[],
  checkout: Checkout,
  { registry, bases = registry, presentOf, force, needsRegistry, reporter, onMissing }: ObserveOptions,
): Promise<ObservedImages> {
  let reachable = true;
  const orWithout = async <T>(answer: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      if (needsRegistry || !(error instanceof ColdtivateError) || !error.code.startsWith("REGISTRY_")) throw error;
      if (reachable)
        reporter.emit({ type: "warning", text: `${[error.message, ...error.details].join("; ")}: building without its cache` });
      reachable = false;
      return otherwise;
    }
  };
  const none = new Map<string, ContentRecord>();
  const observed = await observeContent(config, images, checkout, bases);
  const records = force ? none : await orWithout(lookUpRecords(observed.contents, config.registry.image, registry, onMissing), none);
  const present = presentOf === undefined ? new Map<string, string>() : await orWithout(presentOf([...records.keys()]), new Map());
  return { ...observed, records, present, reachable };
}
