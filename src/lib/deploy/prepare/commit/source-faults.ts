import type { CommitFault } from "../../../adapters/git/git-commit.ts";
import { ColdtivateError } from "../../../errors.ts";

const descriptions: Record<CommitFault["kind"], (fault: CommitFault) => string> = {
  loop: ({ path, target }) => `${path} is a link to ${target}, which leads in a circle`,
  outside: ({ path, target }) => `${path} is a link to ${target}, outside of the repository: name that path itself in the Compose file`,
  dangling: ({ path, target }) => `${path} is a link to ${target}, which the commit does not have`,
  unnamed: ({ path }) => `${JSON.stringify(path)} has a name that is no UTF-8, or that no checkout has: rename it`,
  large: ({ path }) => `${path} is larger than 1 MiB: this is no file that Compose reads`,
  absent: ({ path }) => `${path} is a submodule that is not here: git submodule update --init --recursive -- ${path}`,
  behind: ({ path }) =>
    `the submodule ${path} does not have the commit that is pinned here: git submodule update --init --recursive -- ${path}`,
  lfs: ({ path }) => `${path} is in Git LFS, and its content is not here: git lfs pull --include ${JSON.stringify(path)}`,
  encrypted: ({ path }) => `${path} is encrypted: git-crypt unlock`,
};

/**
 * @throws ColdtivateError SOURCE_UNREADABLE that lists every part of the commit that a container would see differently from what
 * is written
 */
export function refuseSources(faults: readonly CommitFault[]): void {
  if (faults.length === 0) return;
  throw new ColdtivateError("files of the commit cannot be read as a checkout would have them", {
    code: "SOURCE_UNREADABLE",
    exit: "refused",
    details: [...new Set(faults.map((fault) => descriptions[fault.kind](fault)))].toSorted(),
    hint: "Do what is said beside each, in this clone or in the repository, and run the same command again.",
  });
}
