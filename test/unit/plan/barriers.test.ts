import { describe, expect, test } from "vitest";
import { alignHosts, barrier } from "../../../src/lib/plan/steps/barriers.ts";
import type { HostPlan } from "../../../src/lib/plan/steps/plan.ts";
import { wordsOf, type Step } from "../../../src/lib/plan/steps/step.ts";

function host(name: string, ...steps: Step[]): HostPlan {
  return { host: name, expect: "r1", services: [], steps };
}

const task: Step = { verb: "task", name: "migrate", within: 60, hasUndo: false };

const busy = (name: string, ...tasks: Step[]) =>
  host(
    name,
    { verb: "expect", release: "r1" },
    { verb: "pull", images: ["web"] },
    barrier("pulled"),
    ...tasks,
    barrier("prepared"),
    { verb: "start", services: ["web"] },
    barrier("healthy"),
    { verb: "switch", service: "web" },
    barrier("switched"),
    { verb: "commit" },
    { verb: "prune", releases: 5 },
  );

const text = (plans: HostPlan[]) => plans.map(({ steps }) => steps.map((step) => wordsOf(step).slice(0, 2).join(" ")));

describe("the plans of several hosts", () => {
  test("wait for tasks only where there are any", () => {
    const [first, second] = text(alignHosts([busy("a"), busy("b")]));
    expect(first).not.toContain("barrier prepared");
    expect(first).toEqual(second);
    expect(text(alignHosts([busy("a"), busy("b", task)])).map((steps) => steps.includes("barrier prepared"))).toEqual([true, true]);
  });

  test("have the same barriers, and the same release in the end, where one has nothing else to do", () => {
    expect(text(alignHosts([busy("a", task), host("b")]))[1]).toEqual([
      "expect r1",
      "barrier pulled",
      "barrier prepared",
      "barrier healthy",
      "barrier switched",
      "commit",
      "prune 5",
    ]);
  });

  test("are empty where no host has anything to do", () => {
    expect(text(alignHosts([host("a"), host("b")]))).toEqual([[], []]);
  });

  test("wait for nobody where a host is alone", () => {
    expect(text(alignHosts([busy("a")]))[0]).toEqual(["expect r1", "pull web", "start web", "switch web", "commit", "prune 5"]);
  });
});
