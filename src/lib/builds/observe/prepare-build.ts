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

/** What a build or push is about: the commit that is checked out, and the state of each image's inputs. */
export interface Checkout {
  revision: Revision;
  /** Which files of each image are not committed. */
  states: ImageState[];
  tree: InputTree;
}

export interface CheckoutOptions {
  /** What is checked out. */
  revision: Revision;
  /** Environment for ssh, where submodules are fetched with it. */
  sshEnv: Record<string, string>;
  reporter: Reporter;
  signal: AbortSignal;
}

/**
 * Brings the submodules that the images need to their pinned commits, then asks Git about every image's inputs.
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

/** Submodules that were fetched may have links in them that nobody saw before. */
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

/** Asks Git about every image's inputs, at once. */
export async function observeInputs(
  images: readonly ImageConfig[],
  commit: string,
  repository: Pick<Repository, "readInputs">,
): Promise<Omit<Checkout, "revision">> {
  const tree = await repository.readInputs(commit, images.flatMap(inputsOf));
  return { tree, states: findDirty(images, tree) };
}
