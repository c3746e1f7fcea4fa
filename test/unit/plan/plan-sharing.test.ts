import { describe, expect, test } from "vitest";
import type { HostState } from "../../../src/lib/host/host-state.ts";
import type { Rendered } from "../../../src/lib/release/rendered.ts";
import { rendering } from "../release/arbitrary-model.ts";
import { base, edition, healthy, plan, render, serving, started, steps, task, web, type Services } from "./small-plans.ts";

describe("what shares a container", () => {
  const services: Services = {
    vpn: base,
    crawler: { image: "ours", network_mode: "service:vpn" },
    watcher: { ...base, pid: "service:crawler" },
    other: base,
  };

  test("is replaced in one step with it, after it", () => {
    const state = serving(render(services));
    const next = render({ ...services, vpn: edition(base, "2") });
    expect(steps(next, state)).toEqual(["recreate vpn crawler watcher"]);
    expect(plan(next, state).services.map(({ service, reasons }) => [service, reasons])).toEqual([
      ["crawler", ["is replaced with vpn"]],
      ["other", []],
      ["vpn", ["environment EDITION"]],
      ["watcher", ["is replaced with crawler"]],
    ]);
  });

  test("is replaced with one that is not well, too", () => {
    const state = serving(render(services));
    const containers = state.containers.map((found) =>
      found.service === "vpn" ? { ...found, status: "exited", health: "unhealthy" } : found,
    );
    expect(steps(render(services), { ...state, containers })).toEqual(["recreate vpn crawler watcher"]);
  });
});

describe.each([
  ["others make the one that is shared", "nginx", "ours"],
  ["others make the one that shares", "ours", "nginx"],
])("what shares a container, where %s,", (_, shared, sharing) => {
  const services: Services = {
    vpn: { ...base, image: shared },
    crawler: { image: sharing, network_mode: "service:vpn" },
    watcher: { ...base, pid: "service:crawler" },
    reader: { ...base, image: sharing, volumes_from: ["vpn"] },
  };
  const next = render({ ...services, vpn: edition(services["vpn"]!, "2") }, task("watcher"));

  test("is replaced in one step with it, also where a task needs it", () => {
    expect(steps(next, serving(render(services))).filter((step) => step.startsWith("recreate"))).toEqual([
      "recreate vpn crawler reader watcher",
    ]);
  });
});

describe("what restarts with a service behind a front", () => {
  const isReplacedWith = (next: Rendered, state: HostState) =>
    plan(next, state).services.flatMap(({ service, reasons }) =>
      reasons.some((reason) => reason.startsWith("is replaced")) ? service : [],
    );

  const restarts = { web: { ...healthy, restart: true } };
  const services: Services = {
    web,
    held: { ...web, volumes: [{ type: "volume", source: "data", target: "/data" }] },
    follower: { ...base, depends_on: restarts },
    proxy: { ...base, image: "nginx", depends_on: restarts },
    second: { ...base, depends_on: { follower: { ...started, restart: true }, held: { ...started, restart: true } } },
    api: { ...web, depends_on: restarts },
    beside: { ...base, depends_on: { web: healthy } },
  };
  const model = (all: Services) => rendering({ services: all, volumes: { data: null } }, {});

  test("does so once that has switched, and finds the new version", () => {
    const next = model({ ...services, web: edition(web, "2") });
    expect(steps(next, serving(model(services)))).toEqual([
      "start web",
      "switch web",
      "start api",
      "recreate follower proxy",
      "recreate second",
      "switch api",
    ]);
    expect(isReplacedWith(next, serving(model(services)))).toEqual(["api", "follower", "proxy", "second"]);
  });

  test("does so where only its container is not well", () => {
    const state = serving(model(services));
    const containers = state.containers.map((found) => (found.service === "web-blue" ? { ...found, health: "unhealthy" } : found));
    expect(isReplacedWith(model(services), { ...state, containers })).toEqual(["api", "follower", "proxy", "second"]);
  });

  test("or once its requests go through again", () => {
    const next = model({ ...services, held: edition(services["held"]!, "2") });
    expect(steps(next, serving(model(services)))).toEqual(["recreate held-slot", "open held", "recreate second"]);
  });
});

test("what links to a service is not replaced with it, whatever Compose makes of a link", () => {
  const implied = { db: { condition: "service_started", restart: true, required: true } };
  const services: Services = {
    db: base,
    gateway: { ...web, links: ["db:postgres"], depends_on: implied },
    jobs: { ...base, links: ["db"], depends_on: implied },
    reader: { ...base, links: ["db"], depends_on: { db: { condition: "service_healthy", restart: true } } },
  };
  const state = serving(render(services));
  expect(steps(render({ ...services, db: edition(base, "2") }), state)).toEqual(["recreate db", "recreate reader"]);
});
