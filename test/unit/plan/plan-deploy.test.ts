import { describe, expect, test } from "vitest";
import { formatPlan } from "../../../src/lib/plan/steps/format-plan.ts";
import { planHost } from "../../../src/lib/plan/plan-deploy.ts";
import type { HostState, ObservedContainer } from "../../../src/lib/host/host-state.ts";
import type { Manifest } from "../../../src/lib/release/manifest.ts";
import type { ComposeService } from "../../../src/lib/compose/model.ts";
import type { Rendered, RenderedService } from "../../../src/lib/release/rendered.ts";
import { formatStep } from "../../../src/lib/plan/steps/step.ts";

const image = (name: string, digest: string) => `registry.example/shop/${name}@sha256:${digest.repeat(64).slice(0, 64)}`;

function service(name: string, digest: string, more: Partial<RenderedService> = {}): RenderedService {
  return {
    definition: `${name}-${digest}`,
    reference: `${name}:main`,
    image: image(name, digest),
    built: name,
    environment: {},
    checked: true,
    rollout: "recreate",
    rolloutReason: "no port is known",
    ...more,
  };
}

function rendered(services: Record<string, RenderedService>, model: Record<string, ComposeService> = {}): Rendered {
  const all = Object.fromEntries(Object.keys(services).map((name) => [name, model[name] ?? {}]));
  return {
    model: { services: all },
    services,
    fronts: {},
    tasks: { migrate: { service: "web", definition: "m1", image: image("web", "1"), timeout: 600_000, hasUndo: false, needs: ["db"] } },
    reach: [],
    images: {},
    volumeNames: {},
    files: [],
    notes: [],
  };
}

function container(name: string, definition: string, more: Partial<ObservedContainer> = {}): ObservedContainer {
  return {
    id: name,
    name: `${name}-1`,
    service: name,
    image: "",
    definition,
    state: "",
    status: "running",
    health: "healthy",
    oneOff: false,
    ...more,
  };
}

function state(containers: ObservedContainer[], manifest?: Partial<Manifest>): HostState {
  return {
    host: "10.0.0.1",
    stateDirectory: "/state",
    sourceDirectory: "/in",
    engine: "26.1",
    compose: "2.26",
    current: manifest === undefined ? "" : "r1",
    ...(manifest === undefined ? {} : { manifest: { tasks: { migrate: "m1" }, services: {}, fronts: {}, ...manifest } as Manifest }),
    locked: "",
    running: "",
    unsettled: [],
    containers,
    fronts: {},
    model: { services: {} },
    warnings: [],
  };
}

const input = { config: { services: {} }, commit: "c2", runsTasks: true };
const text = (plan: ReturnType<typeof planHost>) => plan.steps.map(formatStep);

describe("the steps of a host", () => {
  test("a first release: what the project does not build comes up first, then the tasks, then the rest by dependency", () => {
    const services = { db: service("db", "0", { built: undefined as never }), web: service("web", "1"), gateway: service("gateway", "2") };
    delete (services.db as Partial<RenderedService>).built;
    const model = { gateway: { links: ["web:api"] }, web: { depends_on: { db: {} } } };
    expect(text(planHost({ ...input, rendered: rendered(services, model), state: state([]) }))).toEqual([
      "expect -",
      `pull ${image("db", "0")} ${image("gateway", "2")} ${image("web", "1")}`,
      "recreate db",
      "healthy db 60 2",
      "task migrate 600",
      "recreate web",
      "healthy web 60 2",
      "recreate gateway",
      "healthy gateway 60 2",
      "reach 60",
      "commit",
      "prune 5",
    ]);
  });

  test("what runs already is left alone, and nothing is pulled or run for it", () => {
    const plan = planHost({ ...input, rendered: rendered({ web: service("web", "1") }), state: state([container("web", "web-1")], {}) });
    expect(text(plan)).toEqual(["expect r1", "commit", "prune 5"]);
    expect(plan.services).toMatchObject([{ service: "web", change: "keep", reasons: [] }]);
  });

  test("a task that has an undo says so, and the configuration says how many releases are kept", () => {
    const release = rendered({ web: service("web", "1") });
    release.tasks["migrate"]!.hasUndo = true;
    const plan = planHost({ ...input, config: { services: {}, keepReleases: 1 }, rendered: release, state: state([]) });
    expect(text(plan)).toContain("task migrate 600 undo");
    expect(plan.steps.at(-1)).toEqual({ verb: "prune", releases: 1 });
  });

  test("that a release is irreversible is written down once, even where nothing else changes", () => {
    const facts = { ...input, rendered: rendered({ web: service("web", "1") }), isIrreversible: true };
    const serving = [container("web", "web-1")];
    expect(text(planHost({ ...facts, state: state(serving, { commit: "c2" }) }))).toEqual(["expect r1", "commit", "prune 5"]);
    expect(planHost({ ...facts, state: state(serving, { commit: "c2", irreversible: true }) }).steps).toEqual([]);
  });

  test("hooks of the host run before all else, and once the release serves", () => {
    const hooks = { client: {}, host: { before_deploy: "ops/before", after_deploy: "ops/after", on_failure: "ops/failed" } };
    const plan = planHost({
      ...input,
      config: { services: {}, hooks },
      rendered: rendered({ web: service("web", "1") }),
      state: state([container("web", "web-1")], {}),
    });
    expect(text(plan)).toEqual(["expect r1", "hook before_deploy 600", "commit", "hook after_deploy 600", "prune 5"]);
  });

  test("nothing at all is done for the commit that serves already", () => {
    const plan = planHost({
      ...input,
      rendered: rendered({ web: service("web", "1") }),
      state: state([container("web", "web-1")], { commit: "c2" }),
    });
    expect(text(plan)).toEqual([]);
  });

  test("only one host runs the tasks", () => {
    const plan = planHost({ ...input, runsTasks: false, rendered: rendered({ web: service("web", "1") }), state: state([]) });
    expect(text(plan).some((step) => step.startsWith("task"))).toBe(false);
  });

  test("a service that the release no longer has is removed, once the release serves", () => {
    const plan = planHost({
      ...input,
      rendered: rendered({ web: service("web", "1") }),
      state: state([container("web", "web-1"), container("old", "old-1")], {}),
    });
    expect(text(plan)).toEqual(["expect r1", "reach 60", "commit", "remove old", "prune 5"]);
  });

  test("a service may be given more time to turn healthy", () => {
    const plan = planHost({
      ...input,
      config: { services: { web: { healthyWithin: 90_500 } } },
      rendered: rendered({ web: service("web", "1") }),
      state: state([]),
    });
    expect(text(plan)).toContain("healthy web 91 2");
  });
});

test("a plan's text says what changes and why", () => {
  const services = {
    web: service("web", "2", { environment: { DEBUG: "1" } }),
    celery: service("celery", "1"),
    worker: service("worker", "1"),
    new: service("new", "1"),
  };
  const known = { definition: "web-1", reference: "web:main", image: image("web", "1"), environment: { DEBUG: "0" } };
  const host = planHost({
    ...input,
    rendered: rendered(services),
    state: state(
      [
        container("web", "web-1"),
        container("celery", "celery-1"),
        container("worker", "worker-1", { health: "unhealthy" }),
        container("gone", "x"),
      ],
      {
        services: { web: known },
      },
    ),
  });
  const plan = {
    environment: "staging",
    project: "shop-staging",
    release: { id: "r2", commit: "0123456789abcdef", ref: "main" },
    hosts: [host],
    notes: ["mind the gap"],
  };
  expect(formatPlan(plan)).toBe(
    [
      "staging: release r2, commit 01234567 (main)",
      "",
      "10.0.0.1  (serves r1)",
      "  - gone    no longer part of the release",
      "  + new     new@sha256:11111111  [recreate: no port is known]",
      "  ~ web     image sha256:11111111 → sha256:22222222; environment DEBUG  [recreate: no port is known]",
      "  ~ worker  worker-1 is unhealthy  [recreate: no port is known]",
      "  tasks: migrate",
      "  1 service stays as it is",
      "",
      "! mind the gap",
    ].join("\n"),
  );
});
