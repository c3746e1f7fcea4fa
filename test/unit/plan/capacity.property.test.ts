import * as fc from "fast-check";
import { expect, test } from "vitest";
import { judgeMemory } from "../../../src/lib/plan/capacity/capacity-memory.ts";
import { compareServices } from "../../../src/lib/plan/steps/compare-services.ts";
import { planHost } from "../../../src/lib/plan/plan-deploy.ts";
import { formatStep, wordsOf, type Step } from "../../../src/lib/plan/steps/step.ts";
import type { HostState } from "../../../src/lib/host/host-state.ts";
import type { Rendered } from "../../../src/lib/release/rendered.ts";
import { models, rendering, settings } from "../release/arbitrary-model.ts";
import { carryOut, emptyHost, plainHost } from "./simulated-host.ts";

const mebibyte = 1024 ** 2;
const releases = fc.record({ model: models, config: settings });

interface Deploy {
  rendered: Rendered;
  before: HostState;
  after: HostState;
  /** What comes of the same on a host with memory to spare. */
  roomy: HostState;
  way: string;
  text: string[];
  /** The host after each step. */
  seen: { state: HostState; step: Step }[];
}

/** Deploys a release beside another one, on a host whose containers use 100 MiB each, with any memory to spare. */
function check(property: (deploy: Deploy) => void): void {
  fc.assert(
    fc.property(releases, releases, fc.integer({ min: 64, max: 2000 }), fc.boolean(), (first, second, available, isPlain) => {
      const old = rendering(first.model, first.config);
      const plan = (rendered: typeof old, config: typeof first.config, state: HostState, commit: string) =>
        planHost({ config: { services: config }, rendered, state, commit, runsTasks: true });
      const began = isPlain
        ? plainHost(first.model)
        : carryOut(emptyHost, plan(old, first.config, emptyHost, "c1").steps, { rendered: old, commit: "c1" });
      const before: HostState = {
        ...began,
        capacity: {
          memory: { total: 0, available: available * mebibyte },
          used: Object.fromEntries(began.containers.map(({ id }) => [id, 100 * mebibyte])),
          published: [],
          sockets: [],
        },
      };
      const rendered = rendering(second.model, second.config);
      const way = judgeMemory(compareServices(rendered, before), { rendered, state: before })!.way;
      const { steps } = plan(rendered, second.config, before, "c2");
      const seen: Deploy["seen"] = [];
      const after = carryOut(before, steps, { rendered, commit: "c2" }, (state, step) => seen.push({ state, step }));
      const roomy = carryOut(began, plan(rendered, second.config, began, "c2").steps, { rendered, commit: "c2" });
      property({ before, rendered, after, roomy, way, seen, text: steps.map(formatStep) });
    }),
    { numRuns: 100 },
  );
}

test("with little memory the same serves in the end as with much", () => {
  check(({ after, roomy }) => {
    const present = ({ containers }: HostState) => containers.map(({ service, definition }) => `${service} ${definition}`).toSorted();
    expect(present(after)).toEqual(present(roomy));
    expect(after.fronts).toEqual(roomy.fronts);
  });
});

test("one at a time, no service's next slot starts before the one before it has stopped", () => {
  check(({ text, way, before }) => {
    if (way !== "in turn") return;
    let waiting = "";
    for (const step of text) {
      const [verb, service = ""] = step.split(" ");
      if (verb === "start" && waiting !== "") expect(step).toBe(`stop ${waiting}@was`);
      if (verb === "switch" && before.fronts[service] !== undefined) waiting = service;
      if (step === `stop ${waiting}@was`) waiting = "";
    }
    expect(waiting).toBe("");
  });
});

test("one at a time, a front points at a slot that is there, unless it lets requests wait", () => {
  check(({ before, rendered, seen, way }) => {
    if (way !== "in turn") return;
    const held = new Set<string>();
    for (const { state, step } of seen) {
      const [, service = ""] = wordsOf(step);
      if (step.verb === "hold") held.add(service);
      if (step.verb === "open" || step.verb === "switch") held.delete(service);
      const present = state.containers.map((container) => container.service);
      const lasting = Object.keys(before.fronts).filter((name) => rendered.fronts[name] !== undefined && !held.has(name));
      for (const name of lasting) expect(present).toContain(`${name}-${state.fronts[name]}`);
    }
  });
});
