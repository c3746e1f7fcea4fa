import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ServiceConfig } from "../../../src/lib/config/schema/config.ts";
import { planHost } from "../../../src/lib/plan/plan-deploy.ts";
import { isSameRelease, planRollback, releasesInTheWay } from "../../../src/lib/plan/plan-rollback.ts";
import { planFull } from "../../../src/lib/plan/plan-full.ts";
import type { FrontImage } from "../../../src/lib/fronts/fronts.ts";
import type { HostState } from "../../../src/lib/host/host-state.ts";
import type { KeptRelease } from "../../../src/lib/host/kept-release.ts";
import { manifestOf, parseManifest, type Manifest } from "../../../src/lib/release/manifest.ts";
import { parseModel } from "../../../src/lib/host/observation.ts";
import type { ComposeModel } from "../../../src/lib/compose/model.ts";
import { parsePast } from "../../../src/lib/host/past.ts";
import type { Rendered } from "../../../src/lib/release/rendered.ts";
import { rolloutsOf } from "../../../src/lib/plan/rollouts.ts";
import { restoreRelease } from "../../../src/lib/plan/restore-release.ts";
import { models, rendering, settings } from "../release/arbitrary-model.ts";
import { carryOut, emptyHost } from "./simulated-host.ts";
import { withoutLooks } from "./without-looks.ts";
import { formatStep, wordsOf } from "../../../src/lib/plan/steps/step.ts";

const [c1, c2, c3] = ["c1", "c2", "c3"].map((start) => start.repeat(20)) as [string, string, string];

interface Release {
  model: ComposeModel;
  config: Record<string, ServiceConfig>;
}

interface Served {
  rendered: Rendered;
  kept: KeptRelease;
  manifest: Manifest;
  state: HostState;
}

const waits: fc.Arbitrary<ServiceConfig> = fc.record(
  {
    healthyWithin: fc.constant(90_000),
    drain: fc.constantFrom(10_000, 45_000),
    holdLimit: fc.constantFrom(5000, 60_000),
    drainSignal: fc.constantFrom<NonNullable<ServiceConfig["drainSignal"]>>(
      { signal: { file: "/run/leave" }, wait: 2000 },
      { signal: { command: ["leave", "--now"] }, wait: 2000 },
    ),
  },
  { requiredKeys: [] },
);
const releases: fc.Arbitrary<Release> = fc.record({ model: models, rollouts: settings, wait: waits }).map(({ model, rollouts, wait }) => ({
  model,
  config: Object.fromEntries(Object.keys(model.services).map((name) => [name, { ...rollouts[name], ...wait }])),
}));

const digest = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");

function render({ model, config }: Release, runningFronts: Record<string, FrontImage> = {}): Rendered {
  const tasks = Object.keys(model.services).map((service) => ({ name: `migrate-${service}`, service, run: ["migrate"], timeout: 1000 }));
  return rendering(model, config, { runningFronts, tasks: tasks.slice(0, 1) });
}

/** Deploys a release, and keeps what a host keeps of it. */
function serve(before: HostState, release: Release, commit: string): Served {
  const rendered = render(release, before.manifest?.fronts);
  const facts = { config: { services: release.config }, rendered };
  const state = carryOut(before, planHost({ ...facts, state: before, commit, runsTasks: true }).steps, { rendered, commit });
  const full = planFull(facts, true).map((step) => wordsOf(step).join("\t"));
  const configurations = Object.fromEntries(
    Object.entries(rendered.fronts).flatMap(([name, { config, hold }]) => [
      [`${name}.cfg`, config],
      ...(hold === undefined ? [] : [[`${name}.hold.cfg`, hold]]),
    ]),
  );
  const manifest = manifestOf(rendered, {
    id: commit,
    project: "shop",
    environment: "staging",
    commit,
    createdAt: "2026-11-23T04:29:38.000Z",
    rollouts: rolloutsOf(facts),
  });
  return {
    rendered,
    kept: { model: parseModel("a", JSON.stringify(rendered.model)), full, configurations, hooks: [] },
    manifest: parseManifest(JSON.stringify(manifest))!,
    state,
  };
}

function rollBack({ kept, manifest }: Served, state: HostState) {
  const runningFronts = state.manifest?.fronts ?? {};
  const repeated = restoreRelease(kept, manifest, { project: "shop-staging", stateDirectory: "/state", runningFronts, digest });
  const { services, fronts } = repeated.rendered;
  // All of it is there, unless a test says otherwise.
  const images = [...Object.values(services), ...Object.values(fronts)].map(({ image }) => image);
  return { repeated, ...planRollback({ state: { images, ...state }, repeated, commit: manifest.commit }) };
}

test("going back takes the very steps that a deploy of that release would take, but for the pull, the tasks and what runs to its end", () => {
  fc.assert(
    fc.property(releases, releases, (one, two) => {
      const first = serve(emptyHost, one, c1);
      const second = serve(first.state, two, c2);
      const { plan } = rollBack(first, second.state);
      const deployed = planHost({
        config: { services: one.config },
        rendered: render(one, second.state.manifest?.fronts),
        state: second.state,
        commit: c1,
        runsTasks: false,
      });
      expect(plan.steps.some(({ verb }) => verb === "once")).toBe(false);
      // What waited for such a one in that release does not have to now.
      if (deployed.steps.some(({ verb }) => verb === "once")) return;
      const text = (steps: typeof plan.steps) => steps.map(formatStep);
      expect(text(plan.steps)).toEqual(text(deployed.steps.filter(({ verb }) => verb !== "pull")));
    }),
    { numRuns: 300 },
  );
});

test("a release of an older coldtivate, whose manifest lacks the rollout settings, takes the same steps", () => {
  fc.assert(
    fc.property(releases, releases, (one, two) => {
      const first = serve(emptyHost, one, c1);
      const second = serve(first.state, two, c2);
      // How long a one-shot may take was not in the plan as a time to become healthy.
      if (Object.values(first.rendered.services).some(({ rollout }) => rollout === "once")) return;
      const { rollouts: _rollouts, reach: _reach, ...older } = first.manifest;
      const steps = rollBack(first, second.state).plan.steps.map(formatStep);
      expect(rollBack({ ...first, manifest: older }, second.state).plan.steps.map(formatStep)).toEqual(steps);
    }),
    { numRuns: 60 },
  );
});

test("afterwards the host runs that release; going back once more is nothing to do", () => {
  fc.assert(
    fc.property(releases, releases, (one, two) => {
      const first = serve(emptyHost, one, c1);
      const second = serve(first.state, two, c2);
      const { plan, repeated } = rollBack(first, second.state);
      const after = carryOut(second.state, plan.steps, { rendered: repeated.rendered, commit: c1 });
      const ran = (state: HostState, { fronts, services }: Manifest) =>
        state.containers
          .filter(({ service }) => fronts[service] === undefined && services[service]?.once !== true)
          .map(({ service, definition }) => `${service.replace(/-(blue|green)$/, "")} ${definition}`)
          .toSorted();
      expect(ran(after, first.manifest)).toEqual(ran(first.state, first.manifest));
      expect(rollBack(first, after).plan.steps).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test("the hooks of the release that is to serve again run before and after it", () => {
  fc.assert(
    fc.property(releases, releases, (one, two) => {
      const first = serve(emptyHost, one, c1);
      const second = serve(first.state, two, c2);
      const kept = { ...first.kept, hooks: ["after_deploy", "after_rollback", "before_rollback"] };
      const { plan } = rollBack({ ...first, kept }, second.state);
      const hooks = plan.steps.flatMap((step, index) => (step.verb === "hook" ? [`${index} ${step.name}`] : []));
      expect(hooks).toEqual(plan.steps.length === 0 ? [] : ["1 before_rollback", `${plan.steps.length - 2} after_rollback`]);
    }),
    { numRuns: 50 },
  );
});

describe("of two releases", () => {
  const service = { image: "ours", networks: { default: null }, ports: [{ target: 8000, published: "80" }] };
  const healthcheck = { test: ["CMD", "true"] };
  const one: Release = { model: { services: { web: { ...service, healthcheck } } }, config: {} };
  const two: Release = { model: { services: { web: { ...service, environment: { A: "2" }, healthcheck } } }, config: {} };
  const first = serve(emptyHost, one, c1);

  test("fronts go on with what they run", () => {
    const second = serve(first.state, two, c2);
    const newer = { reference: "haproxy:new", image: "haproxy@sha256:22", memory: "32m" };
    const fronts = {
      web: { ...second.manifest.fronts["web"]!, ...newer, definition: render(two, { web: newer }).fronts["web"]!.definition },
    };
    const containers = second.state.containers.map((found) =>
      found.service === "web" ? { ...found, definition: fronts.web.definition } : found,
    );
    const { plan, repeated } = rollBack(first, { ...second.state, containers, manifest: { ...second.manifest, fronts } });
    expect(withoutLooks(plan.steps).map(({ verb }) => verb)).toEqual([
      "expect",
      "start",
      "healthy",
      "switch",
      "commit",
      "drain",
      "stop",
      "prune",
    ]);
    expect(repeated.fronts["web"]).toMatchObject(newer);
    expect(repeated.release.model.services["web"]?.image).toBe(newer.image);
  });

  test("images that are needed and gone are named, and pulled; those of what stays as it is are not missed", () => {
    const second = serve(first.state, two, c2);
    const { missing, plan } = rollBack(first, { ...second.state, images: [] });
    expect(missing).toEqual(["r.example/ours@sha256:aa"]);
    expect(plan.steps.slice(0, 2)).toMatchObject([{ verb: "expect" }, { verb: "pull", images: ["r.example/ours@sha256:aa"] }]);
    expect(rollBack(first, { ...second.state, images: ["r.example/ours@sha256:aa"] }).missing).toEqual([]);
    expect(rollBack(first, { ...first.state, images: [] }).missing).toEqual([]);
  });

  test("the same commit with another dotenv is another release; with other fronts alone it is the same", () => {
    expect(isSameRelease(first.manifest, { ...first.manifest, id: "r9", createdAt: "later" })).toBe(true);
    expect(isSameRelease(first.manifest, { ...serve(first.state, two, c1).manifest })).toBe(false);
    expect(isSameRelease(first.manifest, { ...first.manifest, commit: c3 })).toBe(false);
    const fronts = { web: { ...first.manifest.fronts["web"]!, image: "haproxy@sha256:33", definition: "d" } };
    expect(isSameRelease(first.manifest, { ...first.manifest, fronts })).toBe(true);
  });
});

test("what is irreversible is in the way of what came before it, and of nothing else", () => {
  const commit = "c".repeat(40);
  // What served last comes first, whatever a client's clock made of its id.
  const lines = [`r4\t${commit}\t-\t-\tr1`, `r0\t${commit}\tmain\tirreversible\t-`, `r2\t${commit}`, `r1\t${commit}\tmain\t-\t-`];
  const past = parsePast("a", new Map([["past", lines.join("\n")]]))!.releases;
  expect(past[0]).toEqual({ id: "r4", commit, isIrreversible: false, repeats: "r1" });
  const inTheWay = (target: string, current: string) => releasesInTheWay(past, target, current).map(({ id }) => id);
  expect(inTheWay("r2", "r4")).toEqual(["r0"]);
  expect(inTheWay("r1", "r4")).toEqual(["r0"]);
  expect(inTheWay("r0", "r4")).toEqual([]);
  expect(inTheWay("r1", "r2")).toEqual([]);
  // One that is not listed is older than all.
  expect(inTheWay("r9", "r4")).toEqual(["r0"]);
});
