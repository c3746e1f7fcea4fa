import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ServiceConfig } from "../../../src/lib/config/schema/config.ts";
import { formatPlan } from "../../../src/lib/plan/steps/format-plan.ts";
import { hostNotes } from "../../../src/lib/plan/notes.ts";
import { planHost } from "../../../src/lib/plan/plan-deploy.ts";
import { planFull } from "../../../src/lib/plan/plan-full.ts";
import type { Slot } from "../../../src/lib/fronts/fronts.ts";
import type { HostState, ObservedContainer } from "../../../src/lib/host/host-state.ts";
import { manifestOf } from "../../../src/lib/release/manifest.ts";
import type { ComposeService } from "../../../src/lib/compose/model.ts";
import { render } from "../../../src/lib/release/render.ts";
import type { Rendered } from "../../../src/lib/release/rendered.ts";
import { emptyHost } from "./simulated-host.ts";
import { formatStep, type Step } from "../../../src/lib/plan/steps/step.ts";
import { withoutLooks } from "./without-looks.ts";

const checked = (port: number) => ({ test: ["CMD", "curl", `http://localhost:${port}/up`], interval: "1s", timeout: "5s" });
const compose: Record<string, ComposeService> = {
  gateway: { image: "gateway", links: ["web:base_api"], ports: [{ target: 80 }, { target: 443 }], healthcheck: checked(80) },
  web: { image: "base-api", depends_on: { db: {} }, healthcheck: checked(8000) },
  celery: { image: "base-api", command: ["celery", "-A", "x", "worker", "-B"], depends_on: { db: {} } },
  db: { image: "postgres:15", volumes: [{ type: "volume", source: "data", target: "/data" }] },
};
const built = ["gateway", "base-api"];

interface Release {
  version?: string;
  services?: Record<string, ComposeService>;
  config?: Record<string, ServiceConfig>;
  tasks?: string[];
}

function release({ version = "1", services = compose, config = {}, tasks = [] }: Release = {}): Rendered {
  const pinned = (name: string) => ({
    image: `r.example/${name}@sha256:${version.repeat(64)}`,
    ...(built.includes(name) ? { built: name } : {}),
  });
  return render({
    model: { services },
    project: "shop-staging",
    stateDirectory: "/state",
    sourceDirectory: "/in",
    images: new Map([
      ...built.map((name) => [name, pinned(name)] as const),
      ["postgres:15", { image: "postgres@sha256:00" }],
      ["haproxy:lts", { image: "haproxy@sha256:11" }],
    ]),
    front: { image: "haproxy:lts" },
    services: config,
    tasks: tasks.map((name) => ({ name, service: "web", run: [name], timeout: 600_000 })),
    sources: new Map(),
    variables: {},
    profiles: [],
    digest: (content) => createHash("sha256").update(content).digest("hex"),
  });
}

/** A host that runs a release, with its fronts at the given slot. */
function running(rendered: Rendered, live: Slot = "blue"): HostState {
  const container = (service: string, definition: string): ObservedContainer => ({
    id: service,
    name: `shop-staging-${service}-1`,
    service,
    image: "",
    definition,
    state: "/state",
    status: "running",
    health: "healthy",
    oneOff: false,
  });
  const fronts = Object.fromEntries(
    Object.entries(rendered.fronts).map(([name, { slots }]) => [name, slots.includes(live) ? live : (slots[0] ?? live)]),
  );
  return {
    ...empty,
    current: "r1",
    manifest: manifestOf(rendered, { id: "r1", project: "shop", environment: "staging", commit: "c1", createdAt: "" }),
    containers: [
      ...Object.entries(rendered.services).map(([name, { definition }]) =>
        container(fronts[name] === undefined ? name : `${name}-${fronts[name]}`, definition),
      ),
      ...Object.entries(rendered.fronts).map(([name, { definition }]) => container(name, definition)),
    ],
    fronts,
  };
}

const empty: HostState = { ...emptyHost, model: { services: {}, front: { image: "haproxy:lts" } } };

const plan = (rendered: Rendered, state: HostState, config: Record<string, ServiceConfig> = {}, commit = "c2") =>
  planHost({ config: { services: config }, rendered, state, commit, runsTasks: true });
const text = (steps: readonly Step[]) => withoutLooks(steps).map((step) => (step.verb === "pull" ? "pull" : formatStep(step)));
const stepsOf = (...given: Parameters<typeof plan>) => text(plan(...given).steps);

test("nothing of what serves, in whichever slot, is touched; the same commit again is nothing to do", () => {
  const rendered = release();
  expect(stepsOf(rendered, running(rendered, "green"))).toEqual(["expect r1", "commit", "prune 5"]);
  expect(stepsOf(rendered, running(rendered, "green"), {}, "c1")).toEqual([]);
});

test("a first release comes up by dependency: each front is there before what links to it", () => {
  expect(stepsOf(release({ tasks: ["migrate"] }), empty)).toEqual([
    "expect -",
    "pull",
    "recreate db",
    "healthy db 60 2",
    "task migrate 600",
    "recreate celery",
    "healthy celery 60 2",
    "start web",
    "healthy web@idle 60 2 1",
    "front web",
    "start gateway",
    "healthy gateway@idle 60 2 1",
    "front gateway",
    "commit",
    "prune 5",
  ]);
});

test("a release starts all idle slots at once, then replaces singletons, switches, commits, and only then drains and stops", () => {
  const config = {
    gateway: { drainSignal: { signal: { file: "/run/drain" }, wait: 4000 } },
    web: { drain: 45_000, healthyWithin: 90_000 },
  };
  const next = release({ version: "2", tasks: ["migrate"], config });
  expect(stepsOf(next, running(release({ config })), config)).toEqual([
    "expect r1",
    "pull",
    "task migrate 600",
    "start gateway web",
    "healthy gateway@idle 60 2 1",
    "healthy web@idle 90 2 1",
    "recreate celery",
    "healthy celery 60 2",
    "switch gateway",
    "switch web",
    "commit",
    "signal gateway@was 4 file /run/drain",
    "drain gateway 30",
    "drain web 45",
    "stop gateway@was web@was",
    "prune 5",
  ]);
});

test("a service without a health check is up when its port takes connections", () => {
  const services = { web: { image: "base-api", expose: ["9000"], scale: 2 } };
  const before = running(release({ services }));
  const next = release({ services, version: "2" });
  expect(stepsOf(next, before)).toContain("healthy web@idle 60 2 2 9000");
  expect(hostNotes(plan(next, before), next, { services: {} })).toContain(
    "web has no health check: it counts as up once it has run 2 s and port 9000 takes connections",
  );
});

describe("plain containers", () => {
  const rendered = release();
  const plain = (definition: string): HostState => {
    const { containers, ...state } = running(rendered);
    const own = ["web", "gateway", "celery", "db"].map((service) => ({ ...containers[0]!, service, name: service, definition }));
    return { ...state, containers: own, fronts: {}, current: definition === "" ? "" : "r1" };
  };

  test("move behind fronts when what replaces them is healthy; volumes stay, and the plan says so", () => {
    expect(stepsOf(rendered, plain(""))).toEqual([
      "expect -",
      "pull",
      "recreate db",
      "healthy db 60 2",
      "start gateway web",
      "healthy gateway@idle 60 2 1",
      "healthy web@idle 60 2 1",
      "recreate celery",
      "healthy celery 60 2",
      "front gateway",
      "front web",
      "commit",
      "prune 5",
    ]);
    expect(plan(rendered, plain("")).services.find(({ service }) => service === "web")).toMatchObject({
      change: "update",
      reasons: ["was not started by coldtivate", "moves behind a front: a gap of about a second, once"],
    });
  });

  test("start again if the release fails, unless their names are needed; the plan says so", () => {
    const services = { ...compose, web: { ...compose["web"], container_name: "api" } };
    const next = release({ services });
    const notes = hostNotes(plan(next, plain("")), next, { services: {} });
    expect(notes.slice(0, 2)).toEqual([
      "10.0.0.1: celery, db, gateway were not started by coldtivate: what runs now stops for this release, starts again if it fails, and is removed once it serves",
      "10.0.0.1: web was not started by coldtivate, and Compose replaces whatever has a container_name: if this release fails, what runs now cannot be brought back",
    ]);
  });

  test("of a service that must not run twice go first", () => {
    const config = { web: { rollout: "hold" } } as const;
    const steps = stepsOf(release({ config }), plain("d0"), config);
    const from = steps.indexOf("remove web");
    expect(steps.slice(from, from + 4)).toEqual(["remove web", "recreate web-slot", "healthy web-slot 60 2 1", "front web"]);
  });

  test("of a service that has a front take its place once its slots are gone", () => {
    const config = { web: { rollout: "recreate" } } as const;
    const steps = stepsOf(release({ config }), running(rendered, "green"), config);
    expect(steps).toEqual(["expect r1", "pull", "remove web-green", "recreate web", "healthy web 60 2", "commit", "prune 5"]);
  });
});

describe("a service that is held", () => {
  const config = { web: { rollout: "hold", holdLimit: 20_000 } } as const;
  const held = release({ config });

  test("is replaced while its requests wait", () => {
    const steps = stepsOf(release({ config, version: "2" }), running(held, "slot"), config);
    expect(steps.filter((step) => step.includes("web"))).toEqual([
      "hold web 20",
      "recreate web-slot",
      "healthy web-slot 60 2 1",
      "open web",
    ]);
  });

  test("can become one, and be one no longer", () => {
    expect(stepsOf(held, running(release(), "green"), config).filter((step) => step.includes("web"))).toEqual([
      "hold web 20",
      "remove web-green",
      "recreate web-slot",
      "healthy web-slot 60 2 1",
      "open web",
    ]);
    expect(stepsOf(release(), running(held, "slot")).filter((step) => step.includes("web"))).toEqual([
      "start web",
      "healthy web@idle 60 2 1",
      "switch web",
      "drain web 30",
      "stop web@was",
    ]);
  });
});

describe("fronts", () => {
  test("take new settings by a reload: with the switch where there is one", () => {
    const config = { web: { drain: 60_000 } };
    expect(stepsOf(release({ config }), running(release()), config)).toEqual(["expect r1", "front web", "commit", "prune 5"]);
    expect(stepsOf(release({ config, version: "2" }), running(release()), config)).not.toContain("front web");
  });

  test("are replaced where they themselves differ, and the plan says what that costs", () => {
    const services = { ...compose, gateway: { ...compose["gateway"], ports: [{ target: 80 }, { target: 443 }, { target: 8443 }] } };
    const { steps, services: changes } = plan(release({ services }), running(release()));
    expect(text(steps)).toEqual(["expect r1", "pull", "front gateway", "commit", "prune 5"]);
    expect(changes[2]).toMatchObject({ service: "gateway", reasons: ["its front is replaced: a gap of about a second"] });
  });

  test("that are gone are made again, and tell where to go", () => {
    const state = running(release());
    const lost = { ...state, containers: state.containers.filter(({ service }) => service !== "web") };
    expect(stepsOf(release(), lost).filter((step) => step.includes("web"))).toEqual([
      "start web",
      "healthy web@idle 60 2 1",
      "front web",
      "switch web",
      "drain web 30",
      "stop web@was",
    ]);
  });

  test("go with a service that the release no longer has, and its slots", () => {
    const { web: _web, ...services } = compose;
    const steps = stepsOf(release({ services: { ...services, gateway: { ...services["gateway"], links: [] } } }), running(release()));
    expect(steps.slice(steps.indexOf("commit"))).toEqual([
      "commit",
      "drain gateway 30",
      "stop gateway@was",
      "remove web-blue web",
      "prune 5",
    ]);
  });
});

test("a container in an idle slot is removed, and nothing else for it", () => {
  const state = running(release());
  const left = { ...state.containers[0]!, service: "web-green", name: "left" };
  expect(stepsOf(release(), { ...state, containers: [...state.containers, left] })).toEqual([
    "expect r1",
    "commit",
    "remove web-green",
    "prune 5",
  ]);
});

test("a slot that is not well is replaced by the other one", () => {
  const state = running(release());
  const containers = state.containers.map((found) => (found.service === "web-blue" ? { ...found, health: "unhealthy" } : found));
  const { steps, services } = plan(release(), { ...state, containers });
  expect(text(steps)).toContain("switch web");
  expect(services.find(({ service }) => service === "web")?.reasons).toEqual(["shop-staging-web-blue-1 is unhealthy"]);
});

test("the whole plan brings a release up whatever runs", () => {
  expect(text(planFull({ config: { services: {} }, rendered: release({ tasks: ["migrate"] }) }, true))).toEqual([
    "keep gateway web",
    "pull",
    "recreate db",
    "healthy db 60 2",
    "task migrate 600",
    "recreate celery",
    "healthy celery 60 2",
    "start web",
    "healthy web@idle 60 2 1",
    "front web",
    "start gateway",
    "healthy gateway@idle 60 2 1",
    "front gateway",
    "switch gateway",
    "switch web",
    "commit",
    "drain gateway 30",
    "drain web 30",
    "stop gateway@was web@was",
    "remove @others",
    "prune 5",
  ]);
});

test("by hand a service that is held has its requests wait, too, and leaves no other slot beside it", () => {
  const rendered = release({ config: { web: { rollout: "hold" } } });
  const steps = text(planFull({ config: { services: {} }, rendered }, false));
  expect(steps).toContain("keep gateway web");
  expect(steps.slice(steps.indexOf("hold web 30"), steps.indexOf("front web") + 1)).toEqual([
    "hold web 30",
    "remove web-blue web-green",
    "recreate web-slot",
    "healthy web-slot 60 2 1",
    "open web",
    "front web",
  ]);
});

test("the plan's text says how each one is rolled out, and what to know", () => {
  const next = release({ version: "2" });
  const host = plan(next, running(release()));
  const notes = hostNotes(host, next, { services: {} });
  const shown = formatPlan({
    environment: "staging",
    project: "shop-staging",
    release: { id: "r2", commit: "0123456789" },
    hosts: [host],
    notes,
  });
  expect(shown).toBe(
    [
      "staging: release r2, commit 01234567",
      "",
      "10.0.0.1  (serves r1)",
      "  ~ celery   image sha256:11111111 → sha256:22222222  [recreate: celery … -B: a singleton]",
      "  ~ gateway  image sha256:11111111 → sha256:22222222  [blue-green: ports 80 and 443, published]",
      "  ~ web      image sha256:11111111 → sha256:22222222  [blue-green: port 8000, from its health check]",
      "  1 service stays as it is",
      "",
      "! gateway: connections to port 443 that are still open when the old one stops are cut; a drain_signal avoids it",
      "! gateway: connections to port 443 are passed on byte by byte",
      "! celery has no health check: it counts as up once it has run 2 s",
    ].join("\n"),
  );
});
