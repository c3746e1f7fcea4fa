import { taskNames } from "./choose-tasks.ts";
import type { HostPlan } from "./plan.ts";
import type { Barrier, Step, StepOf } from "./step.ts";

/** Once hosts have passed this barrier, they are never told to undo. */
export const decision: Barrier = "switched";

/** How long a host waits for a message from the coordinator before it undoes, in seconds. */
const silence = 20;

export function barrier(name: Barrier): Step {
  return { verb: "barrier", name, silence };
}

/**
 * Gives the plans of an environment's hosts the same barriers. If one host changes, the others record the release, too, so that
 * all of them serve the same one. A single host has no barriers.
 */
export function alignHosts(plans: readonly HostPlan[]): HostPlan[] {
  const busy = plans.filter(({ steps }) => steps.length > 0);
  if (plans.length < 2 || busy.length === 0)
    return plans.map((plan) => ({ ...plan, steps: plan.steps.filter((step) => !isBarrier(step)) }));
  const hasTasks = taskNames(busy).length > 0;
  const isNeeded = (step: Step) => !isBarrier(step) || step.name !== "prepared" || hasTasks;
  const common = busy[0]!.steps.filter((step) => isNeeded(step) && ["barrier", "commit", "prune"].includes(step.verb));
  return plans.map((plan) => ({
    ...plan,
    steps: plan.steps.length > 0 ? plan.steps.filter(isNeeded) : [{ verb: "expect", release: plan.expect }, ...common],
  }));
}

export function isBarrier(step: Step): step is StepOf<"barrier"> {
  return step.verb === "barrier";
}
