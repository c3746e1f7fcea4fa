import type { HostState } from "../host/host-state.ts";
import type { Manifest } from "../release/manifest.ts";
import type { PastRelease } from "../host/past.ts";
import type { RestoredRelease } from "./restore-release.ts";
import { missingImages } from "./capacity/capacity-disk.ts";
import { pullToo } from "./lost-images.ts";
import { planHost, type DeployInput } from "./plan-deploy.ts";
import type { HostPlan } from "./steps/plan.ts";

export interface RollbackInput {
  state: HostState;
  repeated: RestoredRelease;
  /** The commit of the release that is to serve again. */
  commit: string;
  /** Whether the environment has other hosts: then the plan has barriers, for alignHosts. */
  hasPeers?: boolean;
  /** How many releases the host is to keep. */
  keepReleases?: number;
  /** What it leaves behind of what containers write to. */
  leaves?: DeployInput["leaves"];
}

export interface RollbackPlan {
  plan: HostPlan;
  /** Images that it needs, and that the host no longer has: it pulls them. */
  missing: string[];
}

/**
 * Decides how a host goes back to a release that it keeps; touches nothing. As in a deploy, services that run it already
 * are left alone. Nothing is pulled that is there, and tasks do not run.
 */
export function planRollback({
  state,
  repeated: { rendered, settings, release },
  commit,
  hasPeers = false,
  leaves,
  ...common
}: RollbackInput): RollbackPlan {
  const hooks = { client: {}, host: Object.fromEntries(release.hooks.map((name) => [name, name])) };
  const config = { services: settings, hooks, ...common };
  const plan = planHost({
    config,
    rendered,
    state,
    runsTasks: false,
    action: "rollback",
    hasPeers,
    commit,
    ...(leaves === undefined ? {} : { leaves }),
  });
  const needed = plan.steps.filter(({ verb }) => verb === "pull").flatMap(({ args }) => args);
  const missing = missingImages(needed, state);
  return { plan: pullToo({ ...plan, steps: plan.steps.filter(({ verb }) => verb !== "pull") }, missing), missing };
}

/** Whether two releases come to the same services with the same settings, of the same commit; their fronts do not count. */
export function isSameRelease(one: Manifest, other: Manifest): boolean {
  return one.commit === other.commit && summary(one) === summary(other);
}

function summary({ services, fronts }: Manifest): string {
  const entries = Object.entries(services).map(([name, { definition }]) => [
    name,
    definition,
    fronts[name]?.configuration,
    fronts[name]?.slots,
  ]);
  return JSON.stringify(entries.toSorted(([one = ""], [other = ""]) => (one < other ? -1 : 1)));
}

/**
 * The releases that were declared irreversible after one that is to serve again, up to the one that serves now. Which came
 * after which the host has written down: clients made the ids, by clocks of their own.
 *
 * @param past whatever served last comes first
 * @param current id of the release that serves
 */
export function releasesInTheWay(past: readonly PastRelease[], target: string, current: string): PastRelease[] {
  const from = past.findIndex(({ id }) => id === current);
  const to = past.findIndex(({ id }) => id === target);
  return past.slice(Math.max(0, from), to === -1 ? past.length : to).filter(({ isIrreversible }) => isIrreversible);
}
