import { describe, expect, test } from "vitest";
import { alignHosts, barrier } from "../../../src/lib/plan/steps/barriers.ts";
import type { HostPlan, Step } from "../../../src/lib/plan/steps/plan.ts";

const step = (text: string): Step => ({ verb: text.split(" ")[0]!, args: text.split(" ").slice(1), title: text });

function host(name: string, ...steps: (string | Step)[]): HostPlan {
  return { host: name, expect: "r1", services: [], steps: steps.map((each) => (typeof each === "string" ? step(each) : each)) };
}

const busy = (name: string, ...tasks: string[]) =>
  host(
    name,
    "expect r1",
    "pull web",
    barrier("pulled"),
    ...tasks,
    barrier("prepared"),
    "start web",
    barrier("healthy"),
    "switch web",
    barrier("switched"),
    "commit",
    "prune 5",
  );

const text = (plans: HostPlan[]) => plans.map(({ steps }) => steps.map(({ verb, args }) => [verb, args[0]].filter(Boolean).join(" ")));

describe("the plans of several hosts", () => {
  test("wait for tasks only where there are any", () => {
    const [first, second] = text(alignHosts([busy("a"), busy("b")]));
    expect(first).not.toContain("barrier prepared");
    expect(first).toEqual(second);
    expect(text(alignHosts([busy("a"), busy("b", "task migrate")])).map((steps) => steps.includes("barrier prepared"))).toEqual([
      true,
      true,
    ]);
  });

  test("have the same barriers, and the same release in the end, where one has nothing else to do", () => {
    expect(text(alignHosts([busy("a", "task migrate"), host("b")]))[1]).toEqual([
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
