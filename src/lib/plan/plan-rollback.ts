import type { HostState } from "../host/host-state.ts";
import type { Manifest } from "../release/manifest.ts";
import type { PastRelease } from "../host/past.ts";
import type { RestoredRelease } from "./restore-release.ts";
import { missingImages } from "./capacity/capacity-disk.ts";
import { pullToo } from "./lost-images.ts";
import { planHost, type DeployInput } from "./plan-deploy.ts";
import { pulledImages, type HostPlan } from "./steps/plan.ts";

export interface RollbackInput {
  state: HostState;
  repeated: RestoredRelease;
  /** The commit of the release that will serve again. */
  commit: string;
  /** Whether the environment has other hosts. If so, the plan has barriers, for alignHosts. */
  hasPeers?: boolean;
  /** How many releases the host keeps. */
  keepReleases?: number;
  /** Data that containers wrote and that the release leaves behind. */
  leaves?: DeployInput["leaves"];
}

export interface RollbackPlan {
  plan: HostPlan;
  /** Images that the plan needs and that the host no longer has. The plan pulls them. */
  missing: string[];
}

/**
 * Decides how a host goes back to a release that it keeps. Changes nothing. As in a deploy, services that already run that
 * release are left alone. Images that are present are not pulled, and tasks do not run.
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
  const missing = missingImages(pulledImages(plan), state);
  return { plan: pullToo({ ...plan, steps: plan.steps.filter(({ verb }) => verb !== "pull") }, missing), missing };
}

/**
 * Whether two releases have the same services with the same settings, from the same commit. Their fronts' images do not count.
 */
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
 * The irreversible releases after the target, up to the one that serves now. The host's own record gives the order. Ids do not:
 * clients make them, with their own clocks.
 *
 * @param past with the release that served last first
 * @param current id of the release that serves
 */
export function releasesInTheWay(past: readonly PastRelease[], target: string, current: string): PastRelease[] {
  const from = past.findIndex(({ id }) => id === current);
  const to = past.findIndex(({ id }) => id === target);
  return past.slice(Math.max(0, from), to === -1 ? past.length : to).filter(({ isIrreversible }) => isIrreversible);
}
