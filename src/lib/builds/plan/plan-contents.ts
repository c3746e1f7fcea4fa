import type { Config } from "../../config/schema/config.ts";
import { findVolatileArguments } from "../../content/content-arguments.ts";
import { planContent, type ContentPlan } from "../../content/content-plan.ts";
import type { ObservedImages } from "../observe/observe-images.ts";
import type { Checkout } from "../observe/prepare-build.ts";

/** Which images have to be built, and what the user should know about that. */
export interface PlannedContents {
  contents: ContentPlan;
  warnings: string[];
}

/** Decides which images have to be built: those that the registry does not have with the same content. */
export function planContents(
  config: Config,
  { revision, states }: Checkout,
  observed: ObservedImages,
  { force, now }: { force: boolean; now: number },
): PlannedContents {
  const contents = planContent({ contents: observed.contents, states, records: observed.records, now, ttl: config.content.ttl, force });
  return { contents, warnings: [...describeDoubts(observed, contents), ...findVolatileArguments(observed.sources, revision.commit, now)] };
}

function describeDoubts({ contents, troubles, withGit }: ObservedImages, plan: ContentPlan): string[] {
  const clean = new Set(plan.changed.filter(({ cause }) => cause.kind === "untold").map(({ name }) => name));
  const built = new Set(plan.changed.map(({ name }) => name));
  return [
    ...contents.flatMap(({ name, reason }) => (reason !== undefined && clean.has(name) ? [`${name} is built every time: ${reason}`] : [])),
    ...contents.flatMap(({ name, tag, absent }) =>
      tag !== undefined && absent !== undefined && built.has(name)
        ? [`${name} is built without ${absent}, a submodule that is not checked out, and will be built again`]
        : [],
    ),
    ...withGit.map(
      (name) => `${name} gets .git, which is another one in every clone and for every commit, and does not count: name it in .dockerignore`,
    ),
    ...[...troubles].map(([reference, why]) => `the base image ${reference} is not known: ${why}`),
  ];
}
