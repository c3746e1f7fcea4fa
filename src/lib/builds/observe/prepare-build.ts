import { fetchSubmodules } from "../../adapters/git/submodules.ts";
import type { InputTree, Repository } from "../../adapters/git/git.ts";
import type { Config, ImageConfig } from "../../config/schema/config.ts";
import { checkImage } from "../../config/image-folders.ts";
import { formatPath } from "../../common/problem.ts";
import { ColdtivateError } from "../../errors.ts";
import type { Revision } from "../../git/revision.ts";
import { inputsOf } from "../../content/image-inputs.ts";
import { findDirty, type ImageState } from "../../content/image-state.ts";
import { isWithin } from "../../common/path.ts";
import type { Reporter } from "../../report/progress.ts";

/** What a build or push works on: the commit that is checked out, and the state of each image's inputs. */
export interface Checkout {
  revision: Revision;
  /** Which files of each image are uncommitted. */
  states: ImageState[];
  tree: InputTree;
}

export interface CheckoutOptions {
  /** The commit that is checked out. */
  revision: Revision;
  /** Environment for ssh, which may be needed to fetch submodules. */
  sshEnv: Record<string, string>;
  reporter: Reporter;
  signal: AbortSignal;
}

/**
 * Checks out the submodules that the images need at their pinned commits, then asks Git about every image's inputs.
 * @throws ColdtivateError CONTEXT_UNUSABLE
 */
export async function observeCheckout(
  config: Config,
  images: readonly ImageConfig[],
  repository: Repository,
  { revision, sshEnv, reporter, signal }: CheckoutOptions,
): Promise<Checkout> {
  if (config.build.submodules) {
    const inputs = images.flatMap(inputsOf);
    const known = await repository.submodules(revision.commit);
    const needed = known.map(({ path }) => path).filter((path) => inputs.some((input) => isWithin(input, path) || isWithin(path, input)));
    const fetched = await fetchSubmodules(config.directory, needed, { env: sshEnv, signal });
    if (fetched.length > 0) reporter.emit({ type: "note", text: `fetched ${fetched.join(", ")} at the pinned commits` });
  }
  refuseOutside(config.directory, images);
  return { revision, ...(await observeInputs(images, revision.commit, repository)) };
}

/** Checks the images once more: the submodules that were just fetched may contain links that no earlier check could see. */
function refuseOutside(directory: string, images: readonly ImageConfig[]): void {
  const scope = { directory, isUnresolved: () => false, submodules: [] };
  const details = images.flatMap((image) =>
    checkImage(image.name, image, scope).map(({ path, message }) => `${formatPath(path)}: ${message}`),
  );
  if (details.length === 0) return;
  throw new ColdtivateError("images cannot be made from what is checked out", {
    code: "CONTEXT_UNUSABLE",
    exit: "refused",
    details,
    hint: "Correct coldtivate.yml, or what the submodule has there.",
  });
}

/** Asks Git about the inputs of all images in one query. */
export async function observeInputs(
  images: readonly ImageConfig[],
  commit: string,
  repository: Pick<Repository, "readInputs">,
): Promise<Omit<Checkout, "revision">> {
  const tree = await repository.readInputs(commit, images.flatMap(inputsOf));
  return { tree, states: findDirty(images, tree) };
}
