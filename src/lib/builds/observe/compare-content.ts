import type { RegistryClient } from "../../adapters/registry/registry.ts";
import type { Config, ImageConfig } from "../../config/schema/config.ts";
import { ColdtivateError } from "../../errors.ts";
import type { ContentRecord } from "../../content/content-record.ts";
import { findVolatileArguments } from "../../content/content-arguments.ts";
import { planContent, type ContentPlan } from "../../content/content-plan.ts";
import type { Reporter } from "../../report/progress.ts";
import { lookUpRecords } from "./look-up.ts";
import { observeContent, type ObservedContent } from "./observe-content.ts";
import type { Checkout } from "./prepare-build.ts";

/** What the images are made of, what the registry has of it, and the plan that follows from both. */
export interface ComparedContent extends ObservedContent {
  plan: ContentPlan;
  /** The current digests of the release's tags, by full name. Holds at least those of unchanged images. */
  present: ReadonlyMap<string, string>;
  /** Whether the registry answers. */
  reachable: boolean;
}

/** Looks up the current digests of the images' release tags, by full name. */
export type PresentOf = (names: readonly string[]) => Promise<ReadonlyMap<string, string>>;

export interface CompareOptions {
  registry: RegistryClient;
  /** Resolves base images, from earlier answers if there are any. */
  bases?: Pick<RegistryClient, "digestOf">;
  /** Looks up the release's tags of unchanged images. Set only where they matter. */
  presentOf?: PresentOf | undefined;
  /** Builds all images, without looking for their content in the registry. */
  force: boolean;
  /** Whether the command writes to the registry and so cannot do without it. */
  needsRegistry: boolean;
  reporter: Reporter;
  now: number;
  /** Called as soon as it is known that an image has to be built. */
  onMissing?: () => void;
}

/**
 * Compares what the images are made of with what the registry has.
 * @throws ColdtivateError REGISTRY_UNREACHABLE, REGISTRY_UNAUTHORIZED if the registry is needed; otherwise this is a warning, and
 * all images are built
 */
export async function compareContent(
  config: Config,
  images: readonly ImageConfig[],
  checkout: Checkout,
  { registry, bases = registry, presentOf, force, needsRegistry, reporter, now, onMissing }: CompareOptions,
): Promise<ComparedContent> {
  const { image: registryImage } = config.registry;
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
  const records = force ? none : await orWithout(lookUpRecords(observed.contents, registryImage, registry, onMissing), none);
  const present = presentOf === undefined ? new Map<string, string>() : await orWithout(presentOf([...records.keys()]), new Map());
  const plan = planContent({ contents: observed.contents, states: checkout.states, records, now, ttl: config.content.ttl, force });
  warn(observed, plan, { checkout, reporter, now });
  return { ...observed, plan, present, reachable };
}

function warn(
  { sources, contents, troubles, withGit }: ObservedContent,
  plan: ContentPlan,
  { checkout, reporter, now }: { checkout: Checkout; reporter: Reporter; now: number },
): void {
  const clean = new Set(plan.changed.filter(({ cause }) => cause.kind === "untold").map(({ name }) => name));
  for (const { name, reason } of contents) {
    if (reason !== undefined && clean.has(name)) reporter.emit({ type: "warning", text: `${name} is built every time: ${reason}` });
  }
  const built = new Set(plan.changed.map(({ name }) => name));
  for (const { name, absent } of contents.filter(({ tag }) => tag !== undefined)) {
    if (absent !== undefined && built.has(name))
      reporter.emit({
        type: "warning",
        text: `${name} is built without ${absent}, a submodule that is not checked out, and will be built again`,
      });
  }
  for (const name of withGit) {
    const text = `${name} gets .git, which is another one in every clone and for every commit, and does not count: name it in .dockerignore`;
    reporter.emit({ type: "warning", text });
  }
  for (const [reference, why] of troubles) reporter.emit({ type: "warning", text: `the base image ${reference} is not known: ${why}` });
  for (const text of findVolatileArguments(sources, checkout.revision.commit, now)) reporter.emit({ type: "warning", text });
}
