import type { Repository } from "../../../adapters/git/git.ts";
import type { ImageConfig } from "../../../config/schema/config.ts";
import { inputsOf } from "../../../content/image-inputs.ts";

/** The most that are named; the rest is only counted. */
const most = 10;

export interface ReleaseInputs {
  commit: string;
  /** Paths that Compose reads. */
  composeFiles: readonly string[];
  images: readonly ImageConfig[];
}

/**
 * Notes modified and untracked files that you may expect in the release if you deploy the checked-out commit: Compose files and
 * inputs of images. Returns nothing if another commit is deployed.
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
