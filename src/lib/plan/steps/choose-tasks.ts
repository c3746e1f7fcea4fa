import type { Manifest } from "../../release/manifest.ts";
import type { Rendered } from "../../release/rendered.ts";
import type { TaskRuns } from "../../release/task-runs.ts";
import type { ServiceWork } from "./compare-services.ts";
import type { HostPlan, UnchangedTask } from "./plan.ts";
import { stepsOf } from "./step.ts";

export interface TaskChoice {
  /** In their order. */
  run: string[];
  unchanged: UnchangedTask[];
}

export interface TaskFacts {
  rendered: Pick<Rendered, "tasks">;
  /** The last run of each task in the environment. */
  lastRuns?: TaskRuns;
  state: { manifest?: Pick<Manifest, "tasks"> };
}

/**
 * Chooses the tasks that a release has to run on a host:
 *
 * - tasks that changed since their last run,
 * - tasks that depend on a service which this host starts for the first time,
 * - if there are any such tasks, or a service is replaced: tasks that always run.
 */
export function chooseTasks(
  { rendered: { tasks }, lastRuns = {}, state }: TaskFacts,
  works: readonly Pick<ServiceWork, "service" | "change" | "isReplaced">[],
): TaskChoice {
  const names = Object.keys(tasks);
  const isReplacing = works.some(({ isReplaced }) => isReplaced);
  const created = new Set(works.filter(({ change }) => change === "create").map(({ service }) => service));
  const isChanged = (name: string): boolean => {
    const { definition, needs } = tasks[name]!;
    if (needs.some((service) => created.has(service))) return true;
    const last = lastRuns[name];
    // A release of an older version says that the task exists, but not when it ran.
    return last === undefined ? isReplacing || state.manifest?.tasks[name] === undefined : last.definition !== definition;
  };
  const changed = new Set(names.filter(isChanged));
  const isDue = isReplacing || changed.size > 0;
  const run = names.filter((name) => changed.has(name) || (isDue && tasks[name]!.runsAlways === true));
  const unchanged = names.flatMap((task) => {
    const since = lastRuns[task]?.release;
    return run.includes(task) || since === undefined ? [] : [{ task, since }];
  });
  return { run, unchanged };
}

/** The tasks that plans run. */
export function taskNames(plans: readonly Pick<HostPlan, "steps">[]): string[] {
  return plans.flatMap(({ steps }) => stepsOf(steps, "task").map(({ name }) => name));
}

/** Makes the plans of an environment's hosts list each skipped task only once. */
export function tellOnce(plans: readonly HostPlan[]): HostPlan[] {
  const told = new Set(taskNames(plans));
  return plans.map(({ unchanged = [], ...plan }) => {
    const fresh = unchanged.filter(({ task }) => !told.has(task));
    for (const { task } of fresh) told.add(task);
    return fresh.length === 0 ? plan : { ...plan, unchanged: fresh };
  });
}
