import type { Builder } from "../../adapters/buildkit/buildkit.ts";
import { ownPlatform } from "../../adapters/machine.ts";
import type { Config, ImageConfig } from "../../config/schema/config.ts";
import { basesOf } from "../../content/content-digest.ts";
import type { ContentPlan } from "../../content/content-plan.ts";
import type { ImageState } from "../../content/image-state.ts";
import type { Revision } from "../../git/revision.ts";
import { attachesAll, planBuild, type BuildPlan } from "../../images/build-plan.ts";
import type { ObservedContent } from "../observe/observe-content.ts";

/** What decides how the changed images are built, apart from their content. */
export interface ChangedFacts {
  revision: Revision;
  /** With the last commit of each image. */
  states: readonly ImageState[];
  builder: Builder;
  observed: Pick<ObservedContent, "sources" | "texts" | "bases">;
  output: "load" | "push";
  /** Whether every step runs anew. */
  noCache: boolean;
}

/** How the changed images are built, and what can be recorded of them. */
export interface PlannedBuild {
  build: BuildPlan;
  /** The same images. They have no content if what is built may lack something that their content asks for. */
  contents: ContentPlan;
  /** Whether an image is complete once its manifest was sent, so that it can be recorded before the others are built. */
  recordsEarly: boolean;
}

/**
 * Decides how the changed images are built.
 * @param changed the images that the plan lists as changed
 * @throws ColdtivateError ATTESTATIONS_IMPOSSIBLE, PLATFORMS_IMPOSSIBLE
 */
export function planChanged(
  config: Config,
  changed: readonly ImageConfig[],
  plan: ContentPlan,
  { revision, states, builder, observed, output, noCache }: ChangedFacts,
): PlannedBuild {
  const { platforms, provenance, sbom } = config.build;
  // An image that lacks something its content asks for, or that is for another platform, is a different image.
  const isOurs = platforms.length > 0 || builder.platform === undefined || builder.platform === ownPlatform;
  const isWhole = isOurs && attachesAll(config.build, builder, output);
  const contents: ContentPlan = isWhole ? plan : { ...plan, changed: plan.changed.map(({ name, cause }) => ({ name, cause })) };
  const contentTags = new Map(
    contents.changed.flatMap(({ name, content }): [string, string][] => (content === undefined ? [] : [[name, content.tag]])),
  );
  const withoutCache = new Set(plan.changed.filter(({ cause }) => noCache || cause.kind === "expired").map(({ name }) => name));
  const build = planBuild(
    config,
    changed,
    { revision, states, builder, contentTags, withoutCache, bases: basesBySource(observed) },
    output,
  );
  // An index is sent together with its parts. A manifest that was sent is then only a part of the image.
  const isPlain = platforms.length <= 1 && provenance === undefined && sbom === undefined;
  const warnings = isOurs ? build.warnings : [describeForeign(builder), ...build.warnings];
  return { build: { ...build, warnings }, contents, recordsEarly: isWhole && isPlain };
}

function describeForeign({ platform }: Builder): string {
  return `the builder builds for ${platform}, and this machine is ${ownPlatform}: unless build.platforms says for what, such images are built every time`;
}

/** The known digests of the base images, by image. */
function basesBySource({ sources, texts, bases }: ChangedFacts["observed"]): Map<string, Record<string, string>> {
  return new Map(
    sources.map((source) => {
      const { references } = basesOf(source, texts);
      return [source.name, Object.fromEntries(references.flatMap((each) => (bases.has(each) ? [[each, bases.get(each) ?? ""]] : [])))];
    }),
  );
}
