import { describe, expect, test } from "vitest";
import { formatPlan } from "../../../src/lib/plan/steps/format-plan.ts";
import { planHost } from "../../../src/lib/plan/plan-deploy.ts";
import { planFull } from "../../../src/lib/plan/plan-full.ts";
import type { ComposeService } from "../../../src/lib/compose/model.ts";
import { carryOut, emptyHost, plainHost } from "./simulated-host.ts";
import { base, edition, healthy, plan, render, serving, started, steps, task, web, type Services } from "./small-plans.ts";
import { formatStep, wordsOf } from "../../../src/lib/plan/steps/step.ts";

const once: ComposeService = { ...base, command: ["migrate"], restart: "no" };
const completed = { condition: "service_completed_successfully", required: true };

describe("what others make", () => {
  const services: Services = {
    db: { image: "postgres:15", networks: { default: null } },
    proxy: { image: "nginx", networks: { default: null }, depends_on: { web: started } },
    web: { ...web, depends_on: { db: started } },
    cron: { image: "nginx", networks: { default: null }, depends_on: { proxy: started } },
  };

  test("comes after what it depends on, as long as that is not there", () => {
    expect(steps(render(services))).toEqual(["recreate db", "start web", "front web", "recreate proxy", "recreate cron"]);
  });

  test("comes before it, where that serves, and only its version changes", () => {
    const first = serving(render(services));
    const next = render({ ...services, web: edition(services["web"]!, "2"), proxy: edition(services["proxy"]!, "2") });
    expect(steps(next, first)).toEqual(["recreate proxy", "start web", "switch web"]);
  });
});

describe("what runs to its end", () => {
  const services: Services = {
    db: { image: "postgres:15", networks: { default: null } },
    init: { ...once, image: "postgres:15" },
    migrate: { ...once, depends_on: { init: completed, db: healthy } },
    web: { ...web, depends_on: { migrate: completed } },
  };

  test("does so before whatever waits for it, after what it needs, on a first release and on another one", () => {
    const first = render(services);
    expect(steps(first)).toEqual(["recreate db", "once init 600", "once migrate 600", "start web", "front web"]);
    const next = render({ ...services, migrate: edition(services["migrate"]!, "2"), web: edition(services["web"]!, "2") });
    expect(steps(next, serving(first))).toEqual(["once migrate 600", "start web", "switch web"]);
  });

  test("runs alone where it alone changed, and not where only what waits for it did", () => {
    const first = serving(render(services));
    expect(steps(render({ ...services, migrate: edition(services["migrate"]!, "2") }), first)).toEqual(["once migrate 600"]);
    expect(steps(render({ ...services, web: edition(services["web"]!, "2") }), first)).toEqual(["start web", "switch web"]);
  });

  test("has run, whether its container is there or not", () => {
    const first = serving(render(services));
    const pruned = { ...first, containers: first.containers.filter(({ status }) => status === "running") };
    expect(plan(render(services), { ...pruned, current: "c" }).steps.map(({ verb }) => verb)).toEqual(["expect", "commit", "prune"]);
  });

  test("does not when a release goes back to it; one that was there to stay meanwhile goes", () => {
    const first = render(services);
    const { migrate, ...rest } = services;
    const second = render({ ...rest, migrate: { ...migrate!, restart: "always", depends_on: {} }, web });
    const state = carryOut(serving(first), plan(second, serving(first)).steps, { rendered: second, commit: "c2" });
    const back = planHost({ config: { services: {} }, rendered: first, state, commit: "c1", runsTasks: false, action: "rollback" });
    expect(back.steps.some(({ verb }) => verb === "once")).toBe(false);
    expect(back.steps).toContainEqual({ verb: "remove", services: ["migrate"] });
  });

  test("waits until what it needs has switched, and what waits for it comes after that", () => {
    const all: Services = {
      api: web,
      seed: { ...once, depends_on: { api: healthy } },
      web: { ...web, depends_on: { seed: completed } },
      other: web,
    };
    const first = render(all);
    const next = render(Object.fromEntries(Object.entries(all).map(([name, service]) => [name, edition(service, "2")])));
    expect(steps(next, serving(first))).toEqual([
      "start api other",
      "switch api",
      "switch other",
      "once seed 600",
      "start web",
      "switch web",
    ]);
    expect(
      planFull({ config: { services: {} }, rendered: next }, true)
        .map(wordsOf)
        .map(([verb, argument = ""]) => `${verb} ${argument}`),
    ).toEqual(expect.arrayContaining(["switch api", "once seed", "switch web"]));
  });

  test("is needed by two, or by none; may take as long as it is given, and fail where all can do without it", () => {
    const all: Services = {
      seed: once,
      web: { ...web, depends_on: { seed: { ...completed, required: false } } },
      job: { ...base, depends_on: { seed: { ...completed, required: false } } },
      init: once,
    };
    expect(
      plan(render(all), emptyHost, { init: { healthyWithin: 5000 } })
        .steps.filter(({ verb }) => verb === "once")
        .map(formatStep),
    ).toEqual(["once init 5", "once seed 600 optional"]);
  });

  test("comes before the tasks of what waits for it, and after those of others", () => {
    expect(steps(render(services, task("web")))).toEqual([
      "recreate db",
      "once init 600",
      "once migrate 600",
      "task load 1",
      "start web",
      "front web",
    ]);
    const other: Services = { ...services, jobs: base };
    expect(steps(render(other, task("jobs"))).slice(0, 4)).toEqual(["recreate db", "task load 1", "once init 600", "once migrate 600"]);
  });

  test("that plain Compose ran is run by the release", () => {
    const state = plainHost({ services });
    expect(steps(render(services), state)).toEqual(["recreate db", "once init 600", "once migrate 600", "start web", "front web"]);
  });

  test("says so in the plan", () => {
    const text = formatPlan({
      environment: "staging",
      project: "shop-staging",
      release: { id: "r", commit: "c" },
      hosts: [plan(render(services))],
      notes: [],
    });
    expect(text).toContain("[once: runs to its end before web]");
  });
});

describe("a database that the project builds", () => {
  const services: Services = {
    db: { ...base, image: "built-db" },
    web: { ...web, depends_on: { db: healthy } },
    worker: { ...base, depends_on: { db: started } },
  };
  const images = new Map([
    ["ours", { image: "r.example/ours@sha256:aa", built: "ours" }],
    ["built-db", { image: "r.example/db@sha256:dd", built: "db" }],
    ["haproxy:lts", { image: "haproxy@sha256:11" }],
  ]);

  test("is there before the tasks that need it, as is one of others", () => {
    expect(steps(render(services, { ...task("web"), images }))).toEqual([
      "recreate db",
      "task load 1",
      "recreate worker",
      "start web",
      "front web",
    ]);
  });

  test("is there before what runs to its end", () => {
    const all = { ...services, migrate: { ...once, depends_on: { db: healthy } }, web: { ...web, depends_on: { migrate: completed } } };
    expect(steps(render(all, { images })).slice(0, 2)).toEqual(["recreate db", "once migrate 600"]);
  });
});

test("what is replaced in place keeps the order of dependencies", () => {
  const services: Services = {
    cache: base,
    api: { ...base, depends_on: { cache: healthy } },
    jobs: { ...base, depends_on: { api: healthy } },
  };
  const state = serving(render(services));
  const next = render(Object.fromEntries(Object.entries(services).map(([name, service]) => [name, edition(service, "2")])));
  expect(steps(next, state)).toEqual(["recreate cache", "recreate api", "recreate jobs"]);
});

test("a container whose number left it without the name of a first one gets it before anything else", () => {
  const rendered = render({ db: base, web: { ...base, links: ["db"] } });
  const state = serving(rendered);
  const containers = state.containers.map((found) => (found.service === "db" ? { ...found, name: "shop-staging-db-2" } : found));
  const next = render({ db: base, web: edition({ ...base, links: ["db"] }, "2") });
  expect(steps(next, { ...state, containers })).toEqual(["name db", "recreate web"]);
  expect(plan(rendered, { ...state, containers, current: "c", manifest: { ...state.manifest!, commit: "c" } }).steps).toEqual([]);
});
