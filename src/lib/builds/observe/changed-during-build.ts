import type { Repository } from "../../adapters/git/git.ts";
import type { Config, ImageConfig } from "../../config/schema/config.ts";
import type { Revision } from "../../git/revision.ts";
import { observeContent, type ObservedContent } from "./observe-content.ts";
import { observeInputs } from "./prepare-build.ts";

export interface ChangedDuringBuildOptions extends Pick<ObservedContent, "contents" | "bases"> {
  revision: Revision;
  repository: Pick<Repository, "head" | "readInputs">;
}

/** Finds images whose files have changed since. Their builds may have read the old or the new files. */
export async function findChangedDuringBuild(
  config: Config,
  images: readonly ImageConfig[],
  { revision, contents, bases, repository }: ChangedDuringBuildOptions,
): Promise<string[]> {
  const [head, inputs] = await Promise.all([repository.head(), observeInputs(images, revision.commit, repository)]);
  const now = await observeContent(config, images, inputs, { digestOf: async (reference) => bases.get(reference) });
  const isAsBefore = (name: string) => {
    const [before, after] = [contents, now.contents].map((all) => all.find((content) => content.name === name)?.tag);
    return head === revision.commit && before === after && inputs.states.every((state) => state.name !== name || state.dirty.length === 0);
  };
  return images.map(({ name }) => name).filter((name) => !isAsBefore(name));
}
