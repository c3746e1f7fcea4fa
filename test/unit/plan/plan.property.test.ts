import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { ServiceConfig } from "../../../src/lib/config/schema/config.ts";
import { planHost } from "../../../src/lib/plan/plan-deploy.ts";
import { planFull } from "../../../src/lib/plan/plan-full.ts";
import type { HostPlan } from "../../../src/lib/plan/steps/plan.ts";
import { formatStep, wordsOf, type Step } from "../../../src/lib/plan/steps/step.ts";
import type { HostState } from "../../../src/lib/host/host-state.ts";
import type { ComposeModel } from "../../../src/lib/compose/model.ts";
import type { Rendered } from "../../../src/lib/release/rendered.ts";
import { models, rendering, settings } from "../release/arbitrary-model.ts";
import { carryOut, emptyHost, plainHost } from "./simulated-host.ts";

interface Release {
  model: ComposeModel;
  config: Record<string, ServiceConfig>;
}

interface Deploy {
  rendered: Rendered;
  config: Record<string, ServiceConfig>;
  before: HostState;
  plan: HostPlan;
  after: HostState;
  /** The host after each step. */
  seen: { state: HostState; step: Step }[];
}

const releases = fc.record({ model: models, config: settings });

function deploy(before: HostState, { model, config }: Release, commit: string): Deploy {
  const rendered = rendering(model, config, { runningFronts: before.manifest?.fronts ?? {} });
  const plan = planHost({ config: { services: config }, rendered, state: before, commit, runsTasks: true });
  const seen: Deploy["seen"] = [];
  const after = carryOut(before, plan.steps, { rendered, commit }, (state, step) => seen.push({ state, step }));
  return { rendered, config, before, plan, after, seen };
}

/** Deploys several releases one after the other: onto nothing, or onto what plain Compose runs. */
function check(property: (deploys: Deploy[]) => void): void {
  fc.assert(
    fc.property(fc.array(releases, { minLength: 1, maxLength: 3 }), fc.boolean(), (given, isPlain) => {
      let state = isPlain ? plainHost(given[0]!.model) : emptyHost;
      const deploys = given.map((release, index) => {
        const done = deploy(state, release, `c${index}`);
        state = done.after;
        return done;
      });
      property(deploys);
    }),
    { numRuns: 200 },
  );
}

const running = (state: HostState) => new Set(state.containers.map(({ service }) => service));

test("what runs afterwards is the release: each service, or its front and one slot, and nothing else", () => {
  check((deploys) => {
    for (const { rendered, after } of deploys) {
      const wanted = Object.keys(rendered.services).flatMap((name) =>
        rendered.fronts[name] === undefined ? [name] : [name, `${name}-${after.fronts[name]}`],
      );
      expect([...running(after)].toSorted()).toEqual(wanted.toSorted());
      for (const [name, { slots }] of Object.entries(rendered.fronts)) expect(slots).toContain(after.fronts[name]);
    }
  });
});

test("the same release again is nothing to do", () => {
  check((deploys) => {
    for (const { rendered, config, after } of deploys) {
      const again = planHost({ config: { services: config }, rendered, state: after, commit: after.current, runsTasks: true });
      expect(again.steps).toEqual([]);
    }
  });
});

test("a front always points at a slot that is there, unless it lets requests wait", () => {
  check((deploys) => {
    for (const { before, rendered, seen } of deploys) {
      const held = new Set<string>();
      for (const { state, step } of seen) {
        if (step.verb === "hold") held.add(step.service);
        if (step.verb === "open" || step.verb === "switch") held.delete(step.service);
        const present = running(state);
        const lasting = Object.keys(before.fronts).filter((name) => rendered.fronts[name] !== undefined && !held.has(name));
        for (const name of lasting) {
          expect(present).toContain(name);
          expect(present).toContain(`${name}-${state.fronts[name]}`);
        }
      }
    }
  });
});

test("there are never two of what must not run twice", () => {
  check((deploys) => {
    for (const { before, rendered, seen } of deploys) {
      const fronts = new Set(
        [...Object.values(before.manifest?.fronts ?? {}), ...Object.values(rendered.fronts)].map(({ definition }) => definition),
      );
      for (const { state, step } of seen) {
        for (const [name, { rollout }] of Object.entries(rendered.services)) {
          if (rollout === "blue-green") continue;
          const parts = new Set([name, `${name}-blue`, `${name}-green`, `${name}-slot`]);
          const working = state.containers.filter(({ service, definition }) => parts.has(service) && !fronts.has(definition));
          expect(new Set(working.map(({ service }) => service)).size, `${name} after ${formatStep(step)}`).toBeLessThanOrEqual(1);
        }
      }
    }
  });
});

test("nothing that serves is switched to before it is healthy, or stopped before the release is committed", () => {
  check((deploys) => {
    for (const { plan } of deploys) {
      const text = plan.steps.map(wordsOf).map(([verb, first = ""]) => `${verb} ${first}`);
      for (const [index, step] of text.entries()) {
        const service = step.split(" ")[1];
        if (step.startsWith("switch"))
          expect(
            text.slice(0, index).some((earlier) => earlier === `healthy ${service}@idle` || earlier === `healthy ${service}-slot`),
          ).toBe(true);
        if (/^(drain|stop|signal) /.test(step)) expect(index).toBeGreaterThan(text.indexOf("commit "));
      }
    }
  });
});

test("a service that stays as it is is in no step", () => {
  check((deploys) => {
    for (const { plan, before, after } of deploys) {
      const kept = plan.services.filter(({ change }) => change === "keep").map(({ service }) => service);
      const own = (state: HostState, service: string) => state.containers.filter((found) => found.service === service);
      for (const service of kept) {
        const parts = [service, `${service}-${before.fronts[service]}`];
        for (const part of parts) expect(own(after, part)).toEqual(own(before, part));
      }
    }
  });
});

test("the whole plan ends where the short one does, from wherever it starts", () => {
  check((deploys) => {
    const { rendered, config, after } = deploys.at(-1)!;
    for (const { before } of deploys) {
      const whole = carryOut({ ...before, containers: [] }, planFull({ config: { services: config }, rendered }, true), {
        rendered,
        commit: "w",
      });
      const present = (state: HostState) =>
        state.containers.map(({ service, definition }) => `${service.replace(/-(?:blue|green)$/, "-slot")} ${definition}`).toSorted();
      expect(present(whole)).toEqual(present(after));
    }
  });
});
