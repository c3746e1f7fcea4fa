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

/** What the images are made of, what the registry has of it, and what that means. */
export interface ComparedContent extends ObservedContent {
  plan: ContentPlan;
  /** By full name: the digests that the release's tags have now, those of unchanged images at least. */
  present: ReadonlyMap<string, string>;
  /** Whether the registry answers. */
  reachable: boolean;
}

/** By full name: the digests that the release's tags of images have now. */
export type PresentOf = (names: readonly string[]) => Promise<ReadonlyMap<string, string>>;

export interface CompareOptions {
  registry: RegistryClient;
  /** Knows base images, where they were asked for already. */
  bases?: Pick<RegistryClient, "digestOf">;
  /** Where it matters what the release's tags of unchanged images are. */
  presentOf?: PresentOf | undefined;
  /** Build all, and do not ask. */
  force: boolean;
  /** The registry is written to: without it nothing can be done. */
  needsRegistry: boolean;
  reporter: Reporter;
  now: number;
  /** Called as soon as it is known that there is something to build. */
  onMissing?: () => void;
}

/**
 * Compares what the images are made of with what the registry has.
 * @throws ColdtivateError REGISTRY_UNREACHABLE, REGISTRY_UNAUTHORIZED where the registry is needed; else that is a warning, and all is built
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
