import { inspectBuilder } from "../adapters/buildkit/buildkit.ts";
import type { Config, ImageConfig } from "../config/schema/config.ts";
import { giveUp, leaveUnnoted, type ChangedImage, type ContentPlan, type UnchangedImage } from "../content/content-plan.ts";
import { allTags, pinnedImage, revisionTags, taggedImage } from "../images/image-tags.ts";
import { markHandled } from "../common/mark-handled.ts";
import { buildChanged, startAhead, type Begun, type BuildWishes, type BuildWork } from "./build-changed.ts";
import { compareContent } from "./observe/compare-content.ts";
import { explain } from "./explain.ts";
import { recordDuringBuild } from "./record/record-during-build.ts";
import type { Checkout } from "./observe/prepare-build.ts";
import { noteBuilds, putLaterTags, recordContent, retag, type PushedContent, type RecordTools } from "./record/record-content.ts";
import type { BuiltImage, SentImage } from "./run/run-build.ts";
import { withoutChanged } from "./observe/changed-during-build.ts";

/**
 * Builds the images whose content the registry does not have. When pushing, the other images get the release's tags. Docker is
 * not started if the registry has all of them.
 * @returns all images, in their order
 * @throws ColdtivateError BUILD_FAILED, PUSH_FAILED, and the errors of registry, engine and builder
 */
export async function buildImages(
  config: Config,
  images: readonly ImageConfig[],
  checkout: Checkout,
  wishes: BuildWishes,
): Promise<BuiltImage[]> {
  const { output, registry, asked, reporter, repository, noCache } = wishes;
  const force = wishes.force || noCache;
  const { image: registryImage } = config.registry;
  const { revision } = checkout;
  const now = Date.now();
  let begun: Begun = {};
  await using stack = new AsyncDisposableStack();
  // Called as soon as one image has to be built. Meanwhile the registry answers about the others, and unchanged images get their
  // tags.
  const begin = () => {
    // A hook may create or select the builder first.
    if (config.hooks.client["before_build"] !== undefined || begun.inspecting) return;
    begun = { inspecting: markHandled(inspectBuilder(wishes.signal, wishes.builder)) };
    if (output === "load") return;
    const starting = markHandled(startAhead(config, wishes));
    stack.defer(async () => (await starting.catch(() => undefined))?.[Symbol.asyncDispose]());
    begun = { ...begun, starting };
  };
  const asking = { registry, ...asked, force, needsRegistry: output === "push", reporter, now, onMissing: begin };
  const compared = await compareContent(config, images, checkout, asking);
  const reasons = wishes.explain ? await explain(compared.plan, images, { registryImage, registry, repository, revision }) : undefined;
  for (const text of reasons?.values() ?? []) reporter.emit({ type: "note", text });

  const changed = compared.plan.changed.map(({ name }) => name);
  if (changed.length > 0) begin();
  const described = await wishes.around(changed, () => carryOut(config, images, checkout, { ...wishes, ...compared, ...begun, now }));
  return images.flatMap(({ name }) => {
    const found = described.find((image) => image.name === name);
    const why = reasons?.get(name);
    return found === undefined ? [] : [{ ...found, ...(why !== undefined && { why }) }];
  });
}

async function carryOut(config: Config, images: readonly ImageConfig[], checkout: Checkout, work: BuildWork): Promise<BuiltImage[]> {
  const { output, registry, reporter, now, contents, present } = work;
  const { image: registryImage } = config.registry;
  const tools: RecordTools = { registryImage, registry, revision: checkout.revision, reporter };
  const lost = output === "push" ? await retag(work.plan.unchanged, present, tools, { asked: now, fate: "is built again" }) : [];
  const intended = giveUp(work.plan, lost, contents);
  const describe = (sent: readonly SentImage[]) => findPushed(intended, sent, registryImage);
  const notes = recordDuringBuild(config, images, { ...work, checkout, plan: intended, describe, tools });
  const building = buildChanged(config, images, checkout, { ...work, plan: intended, onSent: notes.add, onBaked: notes.flush });
  const { made, isWhole } = await settlingAfter(building, notes.settle);
  const { noted: digests, touched } = await notes.settle();
  const noted = made.filter(({ name, digest }) => digest !== undefined && digests.get(name) === digest);
  const others = made.filter((image) => !noted.includes(image));
  const open = leaveUnnoted(
    intended,
    (isWhole ? noted : made).map(({ name }) => name),
  );
  const { plan, built } = await withoutChanged(config, images, { ...work, checkout, plan: open, made: others, touched });
  if (output === "push") {
    const named = markHandled(
      putLaterTags(
        built.filter(({ laterTags }) => laterTags !== undefined),
        tools,
      ),
    );
    const known = built.flatMap(({ name, digest }) => (digest === undefined ? [] : [{ name, digest }]));
    await Promise.all([recordContent(findPushed(plan, built, registryImage), now, tools), noteBuilds(known, tools)]);
    await named;
  }
  const unchanged = plan.unchanged.map((image) => describeUnchanged(image, config, checkout, output));
  return [
    ...noted.map((image) => withContent(image, intended.changed)),
    ...built.map((image) => withContent(image, plan.changed)),
    ...unchanged,
  ];
}

/** If the work fails, waits until the work beside it has ended, then throws that failure. */
async function settlingAfter<Result>(work: Promise<Result>, settle: () => Promise<unknown>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    await Promise.allSettled([settle()]);
    throw error;
  }
}

function findPushed({ changed }: ContentPlan, built: readonly (BuiltImage | SentImage)[], registryImage: string): PushedContent[] {
  return changed.flatMap(({ name, content, cause }) => {
    const image = built.find((each) => each.name === name);
    if (image === undefined || content === undefined) return [];
    if ("dirty" in image && image.dirty) return [];
    const found = { name, ...content, commit: image.commit, replaces: cause.kind !== "new" };
    if (image.digest !== undefined) return [{ ...found, reference: pinnedImage(registryImage, name, image.digest) }];
    return "reference" in image ? [{ ...found, reference: image.reference ?? "", configuration: image.configuration }] : [];
  });
}

function withContent(image: BuiltImage, changed: readonly ChangedImage[]): BuiltImage {
  const content = changed.find(({ name }) => name === image.name)?.content?.tag;
  const { configuration: _configuration, laterTags: _laterTags, reference: _reference, ...shown } = image;
  return { ...shown, ...(content !== undefined && { content }) };
}

function describeUnchanged(
  { name, record }: UnchangedImage,
  { registry }: Config,
  { revision }: Checkout,
  output: "load" | "push",
): BuiltImage {
  return {
    name,
    tags: output === "push" ? allTags(revisionTags(registry.image, name, revision)) : [taggedImage(registry.image, name, record.tag)],
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
