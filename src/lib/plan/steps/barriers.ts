import type { HostPlan, Step } from "./plan.ts";
import { expectRelease } from "./steps.ts";

/** Where the hosts of an environment wait for one another, in this order. Steps after the last barrier cannot be undone. */
const barriers = {
  pulled: "wait until every host has the images",
  prepared: "wait until the tasks are done",
  healthy: "wait until the new containers are healthy on every host",
  switched: "wait until every host is ready to commit",
};

export type Barrier = keyof typeof barriers;

/** Once hosts have passed this barrier, they are never told to undo. */
export const decision: Barrier = "switched";

/** How long a host waits for a message from the coordinator before it undoes, in seconds. */
const silence = 20;

export function barrier(name: Barrier): Step {
  return { verb: "barrier", args: [name, String(silence)], title: barriers[name] };
}

/**
 * Gives the plans of an environment's hosts the same barriers. If one host changes, the others record the release, too, so that
 * all of them serve the same one. A single host has no barriers.
 */
export function alignHosts(plans: readonly HostPlan[]): HostPlan[] {
  const busy = plans.filter(({ steps }) => steps.length > 0);
  if (plans.length < 2 || busy.length === 0)
    return plans.map((plan) => ({ ...plan, steps: plan.steps.filter((step) => !isBarrier(step)) }));
  const hasTasks = busy.some(({ steps }) => steps.some(({ verb }) => verb === "task"));
  const isNeeded = (step: Step) => !isBarrier(step) || step.args[0] !== "prepared" || hasTasks;
  const common = busy[0]!.steps.filter((step) => isNeeded(step) && ["barrier", "commit", "prune"].includes(step.verb));
  return plans.map((plan) => ({
    ...plan,
    steps: plan.steps.length > 0 ? plan.steps.filter(isNeeded) : [expectRelease(plan.expect), ...common],
  }));
}

export function isBarrier({ verb }: Step): boolean {
  return verb === "barrier";
}
