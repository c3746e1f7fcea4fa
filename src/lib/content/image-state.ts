import type { ImageConfig } from "../config/schema/config.ts";
import { ColdtivateError } from "../errors.ts";
import { inputsOf } from "./image-inputs.ts";
import { isWithin } from "../common/path.ts";

/** What Git knows about an image's inputs. */
export interface ImageState {
  name: string;
  /** The last commit that touched them. */
  commit?: string;
  /** That commit's time, in seconds since the epoch. */
  time?: number;
  /** Why there is no such commit. */
  reason?: string;
  /** Modified and untracked files among them. */
  dirty: string[];
}

/** The question that this asks of a repository. */
export interface InputFacts {
  lastCommits(
    groups: readonly (readonly string[])[],
    commit: string,
  ): Promise<({ commit: string; time: number } | { commit?: never; reason: string })[]>;
}

/** Each image's share of the files that are not committed. */
export function findDirty(
  images: readonly ImageConfig[],
  { dirty, submoduleOf }: { dirty: readonly string[]; submoduleOf: (path: string) => string | undefined },
): ImageState[] {
  return images.map((image) => {
    const inputs = inputsOf(image);
    const submodules = new Set(inputs.map(submoduleOf));
    return { name: image.name, dirty: dirty.filter((file) => submodules.has(file) || inputs.some((input) => isWithin(file, input))) };
  });
}

/** Adds the last commit that touched each image's inputs, as of a commit. */
export async function findCommits(
  images: readonly ImageConfig[],
  states: readonly ImageState[],
  commit: string,
  facts: InputFacts,
): Promise<ImageState[]> {
  const commits = await facts.lastCommits(images.map(inputsOf), commit);
  return images.map(({ name }, index) => {
    const dirty = states.find((state) => state.name === name)?.dirty ?? [];
    return { name, ...commits[index], dirty };
  });
}

/**
 * What goes to the registry can be found in Git: files that are not committed stay here.
 * @throws ColdtivateError UNCOMMITTED_FILES, one detail a file
 */
export function refuseDirty(states: readonly ImageState[], verb: string): void {
  const dirty = states.filter((state) => state.dirty.length > 0);
  if (dirty.length === 0) return;
  const names = dirty.map(({ name }) => name).join(", ");
  throw new ColdtivateError(`${names}: the context has files that are not committed, so it cannot be ${verb}`, {
    code: "UNCOMMITTED_FILES",
    exit: "refused",
    details: [...new Set(dirty.flatMap((state) => state.dirty))],
    hint: "Commit them, stash them (git stash --include-untracked) or name them in .gitignore; coldtivate build without --push builds them as they are, under the tag dirty.",
  });
}
