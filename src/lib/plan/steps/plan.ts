import type { Rollout } from "../../config/schema/config.ts";
import { showStep, stepsOf, type ShownStep, type Step } from "./step.ts";

/**
 * What a deploy will do. It is plain, serialisable data. The dry run, the confirmation, the tests and the executor all read it.
 */
export interface Plan {
  environment: string;
  /** Name of the Compose project on the hosts. */
  project: string;
  release: ReleaseSummary;
  hosts: HostPlan[];
  /** What the user should know before it starts. */
  notes: string[];
}

export interface ReleaseSummary {
  id: string;
  commit: string;
  /** The tag or branch that it was requested by, if any. */
  ref?: string;
  /** The release that it repeats, if it is a rollback. */
  rollback?: string;
}

export interface HostPlan {
  host: string;
  /** The release that the plan was made against; "-" if there is none. If the host serves another one, the plan is stale. */
  expect: string;
  services: ServiceChange[];
  /** Tasks that are skipped because they did not change since their last run; absent if there are none. */
  unchanged?: UnchangedTask[];
  /** In the order in which they run; empty if the host already serves the release. */
  steps: Step[];
}

export interface UnchangedTask {
  task: string;
  /** The release that it ran in last. */
  since: string;
}

export interface ServiceChange {
  service: string;
  change: "create" | "update" | "remove" | "keep";
  /** What differs, in the user's words: `image sha256:1f… → sha256:9c…`, `environment DEBUG`, `configuration`. */
  reasons: string[];
  /** How its new version takes over, and why; absent if it is removed. */
  rollout?: Rollout;
  rolloutReason?: string;
}

/** A plan as others see it: in the release's folder on the host, and under `--json`. */
export interface ShownPlan extends Omit<HostPlan, "steps"> {
  steps: ShownStep[];
}

export function showPlan(plan: HostPlan): ShownPlan {
  return { ...plan, steps: plan.steps.map(showStep) };
}

/** The images that a plan pulls. */
export function pulledImages({ steps }: Pick<HostPlan, "steps">): string[] {
  return stepsOf(steps, "pull").flatMap(({ images }) => images);
}
