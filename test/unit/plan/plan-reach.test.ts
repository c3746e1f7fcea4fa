import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { planHost } from "../../../src/lib/plan/plan-deploy.ts";
import { planFull } from "../../../src/lib/plan/plan-full.ts";
import type { ComposeService } from "../../../src/lib/compose/model.ts";
import { render } from "../../../src/lib/release/render.ts";
import type { Rendered } from "../../../src/lib/release/rendered.ts";
import { carryOut, emptyHost } from "./simulated-host.ts";
import { formatStep } from "../../../src/lib/plan/steps/step.ts";

const healthcheck = { test: ["CMD", "curl", "http://localhost:8000/"], interval: "1s", timeout: "5s" };
const networks = { default: null };
const web = { image: "web", networks, healthcheck };
const gateway = { image: "gateway", networks, links: ["web:base_api"], ports: [{ target: 443, published: "443", protocol: "tcp" }] };

function release(services: Record<string, ComposeService>, tag: string, rollouts: Record<string, { rollout: "hold" }> = {}): Rendered {
  return render({
    model: { services },
    project: "shop-staging",
    stateDirectory: "/state",
    sourceDirectory: "/in",
    images: new Map(["web", "gateway"].map((name) => [name, { image: `${name}@sha256:${tag}`, built: name }])),
    front: { image: "haproxy" },
    services: rollouts,
    tasks: [],
    sources: new Map(),
    variables: {},
    profiles: [],
    digest: (content) => createHash("sha256").update(content).digest("hex"),
  });
}

const plan = (rendered: Rendered, state = emptyHost, config = {}, hasPeers = false) =>
  planHost({ config: { services: config }, rendered, state, commit: "c2", runsTasks: false, hasPeers }).steps.map(formatStep);

test("what is reached is looked at before anything changes, and right before the release can no longer be undone", () => {
  const steps = plan(release({ web, gateway }, "1"));
  expect(steps[1]).toBe("look");
  expect(steps[steps.indexOf("commit") - 1]).toBe("reach 60 gateway web gateway>web>base_api>-");
  const withPeers = plan(release({ web, gateway }, "1"), emptyHost, {}, true);
  expect(withPeers[withPeers.indexOf("barrier switched 20") - 1]).toMatch(/^reach /);
});

test("as long as the most patient service may take to be healthy", () => {
  expect(plan(release({ web }, "1"), emptyHost, { web: { healthyWithin: 90_000 } })).toContain("reach 90 web");
});

test("nothing is looked at where nothing changes", () => {
  const first = release({ web }, "1");
  const state = carryOut(
    emptyHost,
    planHost({ config: { services: {} }, rendered: first, state: emptyHost, commit: "c1", runsTasks: false }).steps,
    {
      rendered: first,
      commit: "c1",
    },
  );
  expect(plan(first, state).map((line) => line.split(" ")[0])).toEqual(["expect", "commit", "prune"]);
});

test("a new container is asked what it answers once it is healthy, and before its front points at it", () => {
  const first = release({ web }, "1");
  const steps = plan(first).map((line) => line.split(" ")[0]);
  expect(steps.slice(steps.indexOf("start"))).toEqual(["start", "healthy", "probe", "front", "reach", "commit", "prune"]);
  const held = plan(release({ web }, "1", { web: { rollout: "hold" } })).map((line) => line.split(" ")[0]);
  expect(held.slice(held.indexOf("recreate"))).toEqual(["recreate", "healthy", "probe", "front", "reach", "commit", "prune"]);
});

test("clients of a service that is held are told to leave, where it says how", () => {
  const drainSignal = { signal: { file: "/run/drain" }, wait: 4000 };
  const rendered = release({ web }, "1", { web: { rollout: "hold" } });
  const whole = planFull({ config: { services: { web: { drainSignal } } }, rendered }, false).map(formatStep);
  expect(whole).toContain("hold web 30 4 file /run/drain");
});
