import type { Repository } from "../../../adapters/git/git.ts";
import type { ImageConfig } from "../../../config/schema/config.ts";
import { inputsOf } from "../../../content/image-inputs.ts";

/** More than these are counted, not named. */
const most = 10;

export interface ReleaseInputs {
  commit: string;
  /** Paths that Compose reads. */
  composeFiles: readonly string[];
  images: readonly ImageConfig[];
}

/**
 * A note on modified and untracked files that somebody who deploys what is checked out may expect to be in the release:
 * Compose files and the images' inputs. None for another commit than the one that is checked out.
 */
export async function describeUncommitted(
  inputs: ReleaseInputs,
  repository: Pick<Repository, "checkedOut" | "dirtyPaths">,
): Promise<string[]> {
  if (repository.checkedOut.commit !== inputs.commit) return [];
  const paths = new Set([...inputs.composeFiles, ...inputs.images.flatMap(inputsOf)]);
  const dirty = await repository.dirtyPaths([...paths]);
  if (dirty.length === 0) return [];
  const more = dirty.length > most ? ` and ${dirty.length - most} more` : "";
  return [`uncommitted changes are not part of the release: ${dirty.slice(0, most).join(", ")}${more}`];
}
