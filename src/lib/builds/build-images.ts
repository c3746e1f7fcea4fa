import type { Repository } from "../adapters/git/git.ts";
import type { RegistryClient } from "../adapters/registry/registry.ts";
import type { Config, ImageConfig } from "../config/schema/config.ts";
import { giveUp, type ContentPlan, type UnchangedImage } from "../content/content-plan.ts";
import { findCommits } from "../content/image-state.ts";
import type { Revision } from "../git/revision.ts";
import { allTags, revisionTags, taggedImage } from "../images/image-tags.ts";
import type { Reporter } from "../report/progress.ts";
import { explain } from "./explain.ts";
import { observeImages, type ObservedImages } from "./observe/observe-images.ts";
import type { PrefetchedRegistry } from "./observe/prefetch-registry.ts";
import type { Checkout } from "./observe/prepare-build.ts";
import { planChanged } from "./plan/plan-changed.ts";
import { planContents } from "./plan/plan-contents.ts";
import { openRecorder } from "./record/build-recorder.ts";
import { retag, type RecordTools } from "./record/record-content.ts";
import type { BuildAccess } from "./run/build-access.ts";
import { startEarly, type EarlyStart } from "./run/early-start.ts";
import { runBuild, type BuiltImage } from "./run/run-build.ts";

export interface BuildRequest {
  output: "load" | "push";
  explain: boolean;
  /** Builds even what the registry has already. */
  force: boolean;
  /** Runs every step anew, without the layer cache. */
  noCache: boolean;
  concurrency?: number | undefined;
  /** Name of a buildx builder. Defaults to the selected one. */
  builder?: string | undefined;
  /** Runs the given work. Called once it is known which images are built. */
  around: <Result>(changed: readonly string[], work: () => Promise<Result>) => Promise<Result>;
  access: BuildAccess;
  registry: RegistryClient;
  asked: PrefetchedRegistry;
  repository: Repository;
  reporter: Reporter;
  signal: AbortSignal;
}

/** What a build works on. */
interface BuildSubject {
  config: Config;
  images: readonly ImageConfig[];
  checkout: Checkout;
  observed: ObservedImages;
  /** When the build began, in milliseconds since the epoch. */
  now: number;
}

/**
 * Builds the images whose content the registry does not have: observes, plans, builds, records. When pushing, the other images
 * get the release's tags. Docker is not started if the registry has all of them.
 * @returns all images, in their order
 * @throws ColdtivateError BUILD_FAILED, PUSH_FAILED, and the errors of registry, engine and builder
 */
export async function buildImages(
  config: Config,
  images: readonly ImageConfig[],
  checkout: Checkout,
  request: BuildRequest,
): Promise<BuiltImage[]> {
  const { output, registry, reporter, repository } = request;
  const { image: registryImage } = config.registry;
  const { revision } = checkout;
  const force = request.force || request.noCache;
  const now = Date.now();
  // Meanwhile the registry answers about the other images, and unchanged images get their tags.
  await using early = startEarly(config, request);

  const asking = { registry, ...request.asked, force, needsRegistry: output === "push", reporter, onMissing: () => early.begin() };
  const observed = await observeImages(config, images, checkout, asking);
  const { contents, warnings } = planContents(config, checkout, observed, { force, now });
  for (const text of warnings) reporter.emit({ type: "warning", text });
  const reasons = request.explain ? await explain(contents, images, { registryImage, registry, repository, revision }) : undefined;
  for (const text of reasons?.values() ?? []) reporter.emit({ type: "note", text });

  const changed = contents.changed.map(({ name }) => name);
  if (changed.length > 0) early.begin();
  const done = await request.around(changed, async () => {
    const tools = { registryImage, registry, revision, reporter };
    const settled = output === "push" ? await tagUnchanged(contents, observed, now, tools) : contents;
    const built = await buildChanged(settled, { config, images, checkout, observed, now }, early, request);
    return [...built, ...settled.unchanged.map((image) => describeUnchanged(image, registryImage, revision, output))];
  });
  return images.flatMap(({ name }) => {
    const found = done.find((image) => image.name === name);
    const why = reasons?.get(name);
    return found === undefined ? [] : [{ ...found, ...(why !== undefined && { why }) }];
  });
}

/** Gives unchanged images the release's tags. Returns the plan, in which images that the registry turns out to lack are changed. */
async function tagUnchanged(
  plan: ContentPlan,
  { present, contents }: ObservedImages,
  now: number,
  tools: RecordTools,
): Promise<ContentPlan> {
  return giveUp(plan, await retag(plan.unchanged, present, tools, { asked: now, fate: "is built again" }), contents);
}

/** Builds the images that the plan lists as changed, pushes or loads them, and records them. */
async function buildChanged(contents: ContentPlan, subject: BuildSubject, early: EarlyStart, request: BuildRequest): Promise<BuiltImage[]> {
  const { config, images, checkout, observed, now } = subject;
  const { output, noCache, concurrency, access, registry, repository, reporter, signal } = request;
  const { revision } = checkout;
  const changed = images.filter(({ name }) => contents.changed.some((image) => image.name === name));
  if (contents.unchanged.length > 0) reporter.emit({ type: "note", text: describeRest(contents, changed.length) });
  if (changed.length === 0) return [];

  const [builder, states] = await Promise.all([early.builder(), findCommits(changed, checkout.states, revision.commit, repository)]);
  const plan = planChanged(config, changed, contents, { revision, states, builder, observed, output, noCache });
  const tools = { registryImage: config.registry.image, registry, revision, reporter };
  const recorder = openRecorder(config, images, { contents: plan.contents, observed, repository, tools, now });
  const setting = { config, builder, texts: observed.texts, access, reachable: observed.reachable, reporter, signal };
  const running = { concurrency, started: await early.bake(), sink: plan.recordsEarly ? recorder : undefined };
  try {
    return await recorder.finish(await runBuild(plan.build, setting, running), output, signal);
  } finally {
    await recorder.settle();
  }
}

function describeUnchanged(
  { name, record }: UnchangedImage,
  registryImage: string,
  revision: Revision,
  output: BuildRequest["output"],
): BuiltImage {
  return {
    name,
    tags: output === "push" ? allTags(revisionTags(registryImage, name, revision)) : [taggedImage(registryImage, name, record.tag)],
    digest: record.image.digest,
    milliseconds: 0,
    steps: 0,
    cachedSteps: 0,
    content: record.tag,
    unchanged: true,
    ...(record.commit !== undefined && { commit: record.commit }),
    dirty: false,
  };
}

function describeRest({ unchanged, changed }: ContentPlan, count: number): string {
  const all = unchanged.length + changed.length;
  if (count === 0) return all === 1 ? "nothing changed: the registry has it" : `nothing changed: the registry has all ${all} images`;
  return `${unchanged.length} of ${all} images are unchanged: the registry has them`;
}
