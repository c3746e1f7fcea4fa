import { untagImages } from "../../adapters/buildkit/buildkit.ts";
import type { Repository } from "../../adapters/git/git.ts";
import type { Config, ImageConfig } from "../../config/schema/config.ts";
import { leaveUnnoted, type ContentPlan } from "../../content/content-plan.ts";
import type { Reporter } from "../../report/progress.ts";
import { observeContent, type ObservedContent } from "./observe-content.ts";
import { observeInputs, type Checkout } from "./prepare-build.ts";
import type { BuiltImage } from "../run/run-build.ts";

export interface ChangedDuringBuildOptions extends Pick<ObservedContent, "contents" | "bases"> {
  checkout: Pick<Checkout, "revision">;
  repository: Pick<Repository, "head" | "readInputs">;
}

export interface BuiltFromChanged extends ChangedDuringBuildOptions {
  plan: ContentPlan;
  /** The images that were built from the plan. */
  made: readonly BuiltImage[];
  /** Images whose files are already known to have changed. */
  touched: ReadonlySet<string>;
  reporter: Reporter;
  signal: AbortSignal;
}

/**
 * Makes sure that an image whose files changed during its build is not found by its content, in the registry or in the local
 * engine.
 */
export async function withoutChanged(
  config: Config,
  images: readonly ImageConfig[],
  { plan, made, touched: known, reporter, signal, ...options }: BuiltFromChanged,
): Promise<{ plan: ContentPlan; built: BuiltImage[] }> {
  const noted = images.filter(({ name }) => plan.changed.some((image) => image.name === name && image.content !== undefined));
  const found = noted.length === 0 ? [] : await findChangedDuringBuild(config, noted, options);
  const touched = noted.map(({ name }) => name).filter((name) => known.has(name) || found.includes(name));
  for (const name of touched) {
    reporter.emit({ type: "warning", text: `${name}: its files changed while it was built, so it will be built again` });
  }
  const wrong = made.filter(({ name }) => touched.includes(name)).flatMap(({ tags }) => tags.filter((tag) => tag.includes(":content-")));
  if (wrong.length > 0) await untagImages(wrong, signal);
  const built = made.map((image) => ({ ...image, tags: image.tags.filter((tag) => !wrong.includes(tag)) }));
  return { plan: leaveUnnoted(plan, touched), built };
}

/** Finds images whose files have changed since. Their builds may have read the old or the new files. */
export async function findChangedDuringBuild(
  config: Config,
  images: readonly ImageConfig[],
  { checkout: { revision }, contents, bases, repository }: ChangedDuringBuildOptions,
): Promise<string[]> {
  const [head, inputs] = await Promise.all([repository.head(), observeInputs(images, revision.commit, repository)]);
  const now = await observeContent(config, images, inputs, { digestOf: async (reference) => bases.get(reference) });
  const isAsBefore = (name: string) => {
    const [before, after] = [contents, now.contents].map((all) => all.find((content) => content.name === name)?.tag);
    return head === revision.commit && before === after && inputs.states.every((state) => state.name !== name || state.dirty.length === 0);
  };
  return images.map(({ name }) => name).filter((name) => !isAsBefore(name));
}
