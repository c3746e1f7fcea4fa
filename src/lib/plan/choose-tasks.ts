import type { Rendered } from "../release/render.ts";
import type { TaskRuns } from "../release/task-runs.ts";
import type { ServiceWork } from "./compare-services.ts";
import type { UnchangedTask } from "./plan.ts";

export interface TaskChoice {
  /** In their order. */
  run: string[];
  unchanged: UnchangedTask[];
}

/**
 * Which tasks a release has to run on a host: those whose last run was another, or that depend on a service which starts
 * from nothing here; and, where there is any, or a service is replaced, those that always run.
 */
export function chooseTasks(
  { rendered: { tasks }, lastRuns = {} }: { rendered: Pick<Rendered, "tasks">; lastRuns?: TaskRuns },
  works: readonly Pick<ServiceWork, "service" | "change" | "isReplaced">[],
): TaskChoice {
  const names = Object.keys(tasks);
  const created = new Set(works.filter(({ change }) => change === "create").map(({ service }) => service));
  const changed = new Set(
    names.filter(
      (name) => tasks[name]!.definition !== lastRuns[name]?.definition || tasks[name]!.needs.some((service) => created.has(service)),
    ),
  );
  const isDue = changed.size > 0 || works.some(({ isReplaced }) => isReplaced);
  const run = names.filter((name) => changed.has(name) || (isDue && tasks[name]!.runsAlways === true));
  const unchanged = names.flatMap((task) => {
    const since = lastRuns[task]?.release;
    return run.includes(task) || since === undefined ? [] : [{ task, since }];
  });
  return { run, unchanged };
}
