import { describe, expect, test } from "vitest";
import { chooseTasks, tellOnce } from "../../../src/lib/plan/steps/choose-tasks.ts";
import type { ServiceWork } from "../../../src/lib/plan/steps/compare-services.ts";
import { formatPlan } from "../../../src/lib/plan/steps/format-plan.ts";
import type { HostPlan } from "../../../src/lib/plan/steps/plan.ts";
import type { RenderedTask } from "../../../src/lib/release/rendered.ts";
import type { TaskRuns } from "../../../src/lib/release/task-runs.ts";
import type { Step } from "../../../src/lib/plan/steps/step.ts";

const task = (definition: string, more: Partial<RenderedTask> = {}): RenderedTask => ({
  service: "web",
  definition,
  image: "web",
  timeout: 1000,
  hasUndo: false,
  needs: ["db"],
  ...more,
});
const work = (service: string, change: ServiceWork["change"], isReplaced = change !== "keep") => ({ service, change, isReplaced });
const ran: TaskRuns = { migrate: { definition: "m1", release: "r1" }, seed: { definition: "s1", release: "r0" } };

const choose = (
  tasks: Record<string, RenderedTask>,
  works: ReturnType<typeof work>[] = [work("web", "update")],
  lastRuns: TaskRuns = ran,
  known?: Record<string, string>,
) => chooseTasks({ rendered: { tasks }, lastRuns, state: known === undefined ? {} : { manifest: { tasks: known } } }, works);

describe("which tasks run", () => {
  test("all of them where nobody knows of a run", () => {
    expect(choose({ migrate: task("m1"), seed: task("s1") }, [], {})).toEqual({ run: ["migrate", "seed"], unchanged: [] });
  });

  test("once after a release of an older version, which kept no record, with the next service that is replaced", () => {
    const tasks = { migrate: task("m1"), fresh: task("f1") };
    expect(choose({ migrate: task("m1") }, [], {}, { migrate: "m0" })).toEqual({ run: [], unchanged: [] });
    expect(choose(tasks, [], {}, { migrate: "m0" }).run).toEqual(["fresh"]);
    expect(choose(tasks, [work("web", "update")], {}, { migrate: "m0" }).run).toEqual(["migrate", "fresh"]);
  });

  test("none whose last run was the same, whatever is replaced", () => {
    expect(choose({ migrate: task("m1"), seed: task("s1") })).toEqual({
      run: [],
      unchanged: [
        { task: "migrate", since: "r1" },
        { task: "seed", since: "r0" },
      ],
    });
  });

  test("those that changed, in their order, although nothing is replaced", () => {
    expect(choose({ seed: task("s2"), migrate: task("m1"), fresh: task("f1") }, [])).toEqual({
      run: ["seed", "fresh"],
      unchanged: [{ task: "migrate", since: "r1" }],
    });
  });

  test("those that always run, where a service is replaced or another task runs", () => {
    const always = task("m1", { runsAlways: true });
    expect(choose({ migrate: always }).run).toEqual(["migrate"]);
    expect(choose({ migrate: always }, [work("web", "keep")]).run).toEqual([]);
    expect(choose({ migrate: always, seed: task("s2") }, [])).toEqual({ run: ["migrate", "seed"], unchanged: [] });
  });

  test("those that depend on a service which starts from nothing", () => {
    expect(choose({ migrate: task("m1") }, [work("db", "create")]).run).toEqual(["migrate"]);
    expect(choose({ migrate: task("m1") }, [work("cache", "create"), work("db", "update")]).run).toEqual([]);
  });
});

describe("the plan", () => {
  const plan = (host: string, more: Partial<HostPlan>): HostPlan => ({
    host,
    expect: "r1",
    services: [],
    steps: [{ verb: "commit" }],
    ...more,
  });

  test("says which release a task is unchanged since", () => {
    const hosts = [plan("a", { unchanged: [{ task: "migrate", since: "20260101t000000-aaaaaaaa" }] })];
    expect(formatPlan({ environment: "staging", project: "p", release: { id: "r2", commit: "c" }, hosts, notes: [] })).toContain(
      "\n  task migrate: unchanged since 20260101t000000-aaaaaaaa",
    );
  });

  test("lists the lines that the host gets, where steps are asked for", () => {
    const steps: Step[] = [
      { verb: "healthy", service: "web", part: "idle", within: 60, settled: 2, instances: 1, port: 8000 },
      { verb: "signal", service: "web", goodbye: { wait: 4, command: ["nginx", "-s", "quit"] } },
    ];
    const shown = { environment: "staging", project: "p", release: { id: "r2", commit: "c" }, hosts: [plan("a", { steps })], notes: [] };
    expect(formatPlan(shown)).not.toContain("healthy");
    expect(formatPlan(shown, true)).toContain("\n  1. healthy web@idle 60 2 1 8000\n  2. signal web@was 4 command nginx -s quit");
  });

  test("says it once for all hosts, and not of a task that runs on another one", () => {
    const unchanged = [
      { task: "migrate", since: "r1" },
      { task: "seed", since: "r0" },
    ];
    const steps: Step[] = [{ verb: "task", name: "seed", within: 60, hasUndo: false }];
    const [a, b] = tellOnce([plan("a", { unchanged }), plan("b", { unchanged, steps })]);
    expect(a!.unchanged).toEqual([{ task: "migrate", since: "r1" }]);
    expect(b).not.toHaveProperty("unchanged");
  });
});
