import type { ImageConfig } from "../config/schema/config.ts";
import { ColdtivateError } from "../errors.ts";
import { inputsOf } from "./image-inputs.ts";
import { isWithin } from "../common/path.ts";

/** What Git knows about an image's inputs. */
export interface ImageState {
  name: string;
  /** The last commit that changed them. */
  commit?: string;
  /** That commit's time, in seconds since the epoch. */
  time?: number;
  /** Why there is no such commit. */
  reason?: string;
  /** Modified and untracked files among the inputs. */
  dirty: string[];
}

/** What this module asks of a repository. */
export interface InputFacts {
  lastCommits(
    groups: readonly (readonly string[])[],
    commit: string,
  ): Promise<({ commit: string; time: number } | { commit?: never; reason: string })[]>;
}

/** Finds the uncommitted files among each image's inputs. */
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

/** Adds the last commit that changed each image's inputs, seen from the given commit. */
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
 * Refuses uncommitted files: everything that goes to the registry must be found in Git.
 * @throws ColdtivateError UNCOMMITTED_FILES, with one detail per file
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
