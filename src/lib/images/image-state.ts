import type { ImageConfig } from "../config/config.ts";
import { ColdtivateError } from "../errors.ts";
import { inputsOf } from "./image-inputs.ts";

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

/** The questions that this asks of a repository. */
export interface InputFacts {
  lastCommit(paths: readonly string[], commit: string): Promise<{ commit: string; time: number } | { commit?: never; reason: string }>;
  dirtyPaths(paths: readonly string[]): Promise<string[]>;
}

/** Looks up the state of the images' inputs as of a commit. */
export async function observeImages(images: readonly ImageConfig[], commit: string, facts: InputFacts): Promise<ImageState[]> {
  return Promise.all(
    images.map(async (image) => {
      const inputs = inputsOf(image);
      const [last, dirty] = await Promise.all([facts.lastCommit(inputs, commit), facts.dirtyPaths(inputs)]);
      return { name: image.name, ...last, dirty };
    }),
  );
}

/**
 * What goes to the registry can be found in Git: files that are not committed stay here.
 * @throws ColdtivateError UNCOMMITTED_FILES, one detail a file
 */
export function refuseDirty(states: readonly ImageState[], verb: string): void {
  const dirty = states.filter((state) => state.dirty.length > 0);
  if (dirty.length === 0) return;
  const names = dirty.map(({ name }) => name).join(", ");
  throw new ColdtivateError(`${names}: the context has files that are not committed, so nothing was ${verb}`, {
    code: "UNCOMMITTED_FILES",
    exit: "refused",
    details: [...new Set(dirty.flatMap((state) => state.dirty))],
    hint: "Commit them, stash them (git stash --include-untracked) or name them in .gitignore; coldtivate build without --push builds them as they are, under the tag dirty.",
  });
}
