import { canonical } from "../common/canonical.ts";
import { definitionOf } from "../compose/definition.ts";
import type { ComposeModel, ComposeService } from "../compose/model.ts";
import { dependencies } from "../compose/order.ts";
import type { Digest } from "../compose/sources.ts";

/** The last run of a task in a release that serves or has served. Releases that were undone do not count. */
export interface TaskRun {
  /** The task's digest, from taskDefinition. */
  definition: string;
  /** The release that it ran in. */
  release: string;
}

export type TaskRuns = Readonly<Record<string, TaskRun>>;

/** Settings that do not change what a task does. */
const incidental: ReadonlySet<string> = new Set([
  "annotations",
  "blkio_config",
  "cpu_count",
  "cpu_percent",
  "cpu_period",
  "cpu_quota",
  "cpu_rt_period",
  "cpu_rt_runtime",
  "cpu_shares",
  "cpus",
  "cpuset",
  "deploy",
  "healthcheck",
  "labels",
  "logging",
  "mem_limit",
  "mem_reservation",
  "mem_swappiness",
  "memswap_limit",
  "oom_kill_disable",
  "oom_score_adj",
  "pids_limit",
  "profiles",
  "restart",
  "stop_grace_period",
  "stop_signal",
]);

/**
 * The digest of a task. It covers its image, command, environment, mounts with the commit's content, and networks. It also covers
 * where the services that it depends on keep their data: with another database, the task has to run again.
 *
 * @param service that runs it, rendered
 * @param owner the service whose image and settings it has
 */
export function taskDefinition(service: ComposeService, owner: ComposeService, frame: ComposeModel, digest: Digest): string {
  const own = Object.fromEntries(Object.entries(service).filter(([key]) => !incidental.has(key)));
  const places = dependencies(owner).map((name) => [name, dataOf(frame.services[name] ?? {})]);
  return digest(canonical([definitionOf(own, frame, digest), places]));
}

function dataOf({ volumes = [] }: ComposeService): unknown {
  return volumes.filter(({ read_only: readOnly }) => readOnly !== true).map(({ type, source, target }) => [type, source, target]);
}

/** The last run of each task in an environment, over all of its hosts. */
export function lastRuns(manifests: readonly ({ runs?: TaskRuns | undefined } | undefined)[]): TaskRuns {
  const last: Record<string, TaskRun> = {};
  for (const [name, run] of manifests.flatMap((manifest) => Object.entries(manifest?.runs ?? {}))) {
    const known = last[name];
    if (known === undefined || known.release < run.release) last[name] = run;
  }
  return last;
}

/**
 * The last run of each task once a release serves.
 *
 * @param tasks of the release
 * @param ran the tasks that run in it
 */
export function runsAfter(
  release: string,
  last: TaskRuns,
  tasks: Readonly<Record<string, { definition: string }>>,
  ran: readonly string[],
): Record<string, TaskRun> {
  const now = ran.flatMap((name) => {
    const task = tasks[name];
    return task === undefined ? [] : [[name, { definition: task.definition, release }] as const];
  });
  return { ...last, ...Object.fromEntries(now) };
}
