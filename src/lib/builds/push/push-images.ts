import { openLocalDocker } from "../../adapters/docker/docker-local.ts";
import { findCredentials } from "../../adapters/registry/registry-credentials.ts";
import type { RegistryClient } from "../../adapters/registry/registry.ts";
import type { Config, ImageConfig } from "../../config/schema/config.ts";
import { giveUp, type UnchangedImage } from "../../content/content-plan.ts";
import { allTags, revisionTags } from "../../images/image-tags.ts";
import { planPush } from "../../images/push-plan.ts";
import type { Reporter } from "../../report/progress.ts";
import { markHandled } from "../../common/mark-handled.ts";
import { observeImages } from "../observe/observe-images.ts";
import { lookUpTags } from "../observe/look-up.ts";
import type { Checkout } from "../observe/prepare-build.ts";
import { planContents } from "../plan/plan-contents.ts";
import { noteBuilds, recordContent, retag } from "../record/record-content.ts";
import { findWithoutAttestations, refuseWithoutAttestations } from "./missing-attestations.ts";
import { findKnownContent, observePush, runPush, type PushedImage } from "./run-push.ts";

export interface PushWishes {
  /** Pushes what was built here, whatever the registry has. */
  force: boolean;
  registry: RegistryClient;
  reporter: Reporter;
  signal: AbortSignal;
}

/** The result of a push. */
export interface Push {
  images: PushedImage[];
  /** Images that the registry already had under all of the tags. */
  present: string[];
}

/**
 * Makes sure that the registry has all images of the commit. Images whose content it has already get the tags. The rest come from
 * the local engine.
 * @throws ColdtivateError NOTHING_TO_PUSH, ATTESTATIONS_MISSING, PUSH_FAILED, and the errors of registry and engine
 */
export async function pushImages(
  config: Config,
  images: readonly ImageConfig[],
  checkout: Checkout,
  { force, registry, reporter, signal }: PushWishes,
): Promise<Push> {
  const { image: registryImage, host, credentials: own } = config.registry;
  const { revision } = checkout;
  const now = Date.now();
  const all = images.map(({ name }) => name);
  const asked = markHandled(lookUpTags(all, registryImage, revision, registry));
  const asking = { registry, presentOf: () => asked, force, needsRegistry: true, reporter };
  const observed = await observeImages(config, images, checkout, asking);
  const { contents: found, warnings } = planContents(config, checkout, observed, { force, now });
  for (const text of warnings) reporter.emit({ type: "warning", text });
  const { present } = observed;
  const tools = { registryImage, registry, revision, reporter };
  const lost = await retag(found.unchanged, present, tools, { asked: now, fate: "is pushed from here" });
  const plan = giveUp(found, lost, observed.contents);

  const docker = openLocalDocker();
  const names = plan.changed.map(({ name }) => name);
  const pushing = planPush(await observePush(names, registryImage, revision, { docker, present }), lost);
  if (config.build.provenance !== undefined || config.build.sbom !== undefined) {
    refuseWithoutAttestations(await findWithoutAttestations(pushing, plan, registryImage, docker));
  }
  const credentials = own ?? (await findCredentials(host));
  const pushed = pushing.images.length === 0 ? [] : await runPush(pushing, { docker, ...tools, credentials, signal });
  const known = pushed.flatMap(({ name, digest }) => (digest === undefined ? [] : [{ name, digest }]));
  await Promise.all([noteBuilds(known, tools), recordContent(await findKnownContent(pushed, plan, { ...tools, docker }), now, tools)]);

  const tagged = plan.unchanged.map((image) => describeTagged(image, allTags(revisionTags(registryImage, image.name, revision)), present));
  const done = [...tagged.filter(({ tags }) => tags.length > 0), ...pushed];
  const there = new Set([...tagged.filter(({ tags }) => tags.length === 0).map(({ name }) => name), ...pushing.present]);
  return {
    images: images.flatMap(({ name }) => done.find((image) => image.name === name) ?? []),
    present: images.map(({ name }) => name).filter((name) => there.has(name)),
  };
}

function describeTagged({ name, record }: UnchangedImage, tags: readonly string[], present: ReadonlyMap<string, string>): PushedImage {
  const { digest } = record.image;
  return { name, tags: tags.filter((tag) => present.get(tag) !== digest), digest, unchanged: true };
}
