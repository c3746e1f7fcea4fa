import { ColdtivateError } from "../../../errors.ts";
import { isOlder, type AgeFacts } from "../../../git/age.ts";
import type { HostState } from "../../../host/host-state.ts";
import { shortCommit } from "../../../git/slug.ts";

export interface WantedCommit {
  commit: string;
  /** Name of the environment. */
  environment: string;
  states: readonly HostState[];
}

/**
 * Refuses a commit that is older than the one that serves on any host. Usually this is the rerun of an old pipeline's job.
 * @throws ColdtivateError OLDER_COMMIT
 */
export async function refuseOlder({ commit, environment, states }: WantedCommit, facts: AgeFacts): Promise<void> {
  const newer: string[] = [];
  for (const { host, manifest } of states) {
    if (manifest === undefined || !(await isOlder(commit, manifest, facts))) continue;
    const ref = manifest.ref === undefined ? "" : ` (${manifest.ref})`;
    const time = manifest.committedAt === undefined ? "" : `, of ${manifest.committedAt.slice(0, 16).replace("T", " ")} UTC`;
    newer.push(`${host} serves ${shortCommit(manifest.commit)}${ref}${time}`);
  }
  if (newer.length === 0) return;
  throw new ColdtivateError(`commit ${shortCommit(commit)} is older than the one that serves`, {
    code: "OLDER_COMMIT",
    exit: "refused",
    details: newer,
    hint: `To go back to a release that served: coldtivate rollback ${environment}. To release the older commit all the same: --allow-older.`,
  });
}
