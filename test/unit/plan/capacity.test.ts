import { describe, expect, test } from "vitest";
import { diskShortage, missingImages } from "../../../src/lib/plan/capacity/capacity-disk.ts";
import { judgeMemory, memoryNote, memoryShortage } from "../../../src/lib/plan/capacity/capacity-memory.ts";
import { portShortage } from "../../../src/lib/plan/capacity/capacity-ports.ts";
import { compareServices } from "../../../src/lib/plan/steps/compare-services.ts";
import { planHost } from "../../../src/lib/plan/plan-deploy.ts";
import { planFull } from "../../../src/lib/plan/plan-full.ts";
import type { HostCapacity } from "../../../src/lib/host/capacity.ts";
import type { HostState } from "../../../src/lib/host/host-state.ts";
import type { ComposeService } from "../../../src/lib/compose/model.ts";
import type { Rendered } from "../../../src/lib/release/rendered.ts";
import { rendering } from "../release/arbitrary-model.ts";
import { carryOut, emptyHost } from "./simulated-host.ts";
import { withoutLooks } from "./without-looks.ts";
import { formatStep } from "../../../src/lib/plan/steps/step.ts";

const mebibyte = 1024 ** 2;
const free = (available: number): HostCapacity => ({
  memory: { total: 4096 * mebibyte, available: available * mebibyte },
  used: {},
  published: [],
  sockets: [],
});

const compose = (version: string, more: Record<string, Partial<ComposeService>> = {}): Record<string, ComposeService> => ({
  api: { image: "ours", expose: ["5000"], mem_reservation: String(300 * mebibyte), environment: { A: version }, ...more["api"] },
  web: { image: "ours", expose: ["8000"], depends_on: { api: {} }, environment: { A: version }, ...more["web"] },
  worker_scheduler: { image: "ours", environment: { A: version } },
});

/** A host that runs version 1, whose containers use 100 MiB each. */
function serving(available: number, services = compose("1")): HostState {
  const rendered = rendering({ services }, {});
  const first = { config: { services: {} }, rendered, state: emptyHost, commit: "c1", runsTasks: false };
  const state = carryOut(emptyHost, planHost(first).steps, { rendered, commit: "c1" });
  return { ...state, capacity: { ...free(available), used: Object.fromEntries(state.containers.map(({ id }) => [id, 100 * mebibyte])) } };
}

const judge = (rendered: Rendered, state: HostState) => judgeMemory(compareServices(rendered, state), { rendered, state })!;
const next = (more?: Record<string, Partial<ComposeService>>) => rendering({ services: compose("2", more) }, {});
const steps = (rendered: Rendered, state: HostState) =>
  withoutLooks(planHost({ config: { services: {} }, rendered, state, commit: "c2", runsTasks: false }).steps).map(formatStep);

describe("memory", () => {
  test("a second generation needs what the first one uses, or its reservation; a singleton needs nothing more", () => {
    expect(judge(next(), serving(3000))).toEqual({
      way: "together",
      passing: [
        { service: "api", bytes: 300 * mebibyte, source: "reserved" },
        { service: "web", bytes: 100 * mebibyte, source: "what it uses now" },
      ],
      lasting: [],
      available: 3000 * mebibyte,
      reserve: 4096 * mebibyte * 0.05,
    });
  });

  test("a limit is no need; every container of a slot is one", () => {
    const deploy = { replicas: 3, resources: { limits: { memory: "3g" }, reservations: { memory: "128m" } } };
    expect(judge(next({ web: { deploy } }), serving(3000)).passing[1]).toEqual({
      service: "web",
      bytes: 384 * mebibyte,
      source: "reserved, 3 containers",
    });
  });

  test("what is new, and its front, stay", () => {
    const services = compose("1");
    const { api: _api, ...fewer } = services;
    const before = serving(3000, { ...fewer, web: { ...services["web"], depends_on: {} } });
    const after = rendering({ services }, {});
    expect(judge(after, before).lasting).toEqual([
      { service: "api", bytes: 300 * mebibyte, source: "reserved" },
      { service: "the front of api", bytes: 15 * mebibyte, source: "new" },
    ]);
  });

  test("where it is short, services go one at a time, by dependency, and the plan says so", () => {
    const state = serving(600);
    expect(steps(next(), state)).toEqual([
      "expect c1",
      "pull r.example/ours@sha256:aa",
      "recreate worker_scheduler",
      "healthy worker_scheduler 60 2",
      "start api",
      "healthy api@idle 60 2 1 5000",
      "switch api",
      "drain api 30",
      "stop api@was",
      "start web",
      "healthy web@idle 60 2 1 8000",
      "switch web",
      "drain web 30",
      "stop web@was",
      "commit",
      "prune 5",
    ]);
    expect(memoryNote(state.host, judge(next(), state))).toBe(
      "10.0.0.1: the new containers of api, web need 400 MiB of memory together, and there are 396 MiB to spare: they are replaced one service at a time",
    );
    expect(memoryShortage(state.host, judge(next(), state))).toBeUndefined();
  });

  test("who applies it by hand later gets the same order", () => {
    const whole = planFull({ config: { services: {} }, rendered: next() }, false, true);
    expect(withoutLooks(whole).map(formatStep)).toEqual([
      "keep api web",
      "pull haproxy@sha256:11 r.example/ours@sha256:aa",
      "recreate worker_scheduler",
      "healthy worker_scheduler 60 2",
      ...["api 5000", "web 8000"].flatMap((seller) => {
        const [name, port] = seller.split(" ");
        return [
          `start ${name}`,
          `healthy ${name}@idle 60 2 1 ${port}`,
          `front ${name}`,
          `switch ${name}`,
          `drain ${name} 30`,
          `stop ${name}@was`,
        ];
      }),
      "commit",
      "remove @others",
      "prune 5",
    ]);
  });

  test("where not even one fits, everything is told", () => {
    const state = serving(500);
    expect(memoryShortage(state.host, judge(next(), state))).toEqual({
      code: "MEMORY_SHORT",
      details: [
        "10.0.0.1: 500 MiB of memory are available, of which 205 MiB are to stay free",
        "beside what serves, one at a time:",
        "  api: 300 MiB (reserved)",
        "  web: 100 MiB (what it uses now)",
      ],
      advice:
        "Free memory there, or set `rollout: hold` or `recreate` for api in coldtivate.yml: then its old containers end before the new ones start.",
    });
  });

  test("nothing is refused for what is not known, or for a release that starts nothing beside what runs", () => {
    const { capacity: _capacity, ...unknown } = serving(500);
    expect(judgeMemory(compareServices(next(), unknown), { rendered: next(), state: unknown })).toBeUndefined();
    expect(judge(rendering({ services: compose("1") }, {}), serving(0)).way).toBe("together");
  });
});

describe("ports", () => {
  const rendered = rendering({ name: "shop", services: { web: { image: "ours", ports: [{ target: 8000, published: "80" }] } } }, {});
  const held = (capacity: Partial<HostCapacity>, more: Partial<HostState> = {}) =>
    portShortage(rendered, { ...emptyHost, capacity: { ...free(1000), ...capacity }, ...more })?.details;
  const everywhere = { protocol: "tcp", address: "0.0.0.0", port: 80 } as const;

  test("of this project are its own, whoever of it publishes them", () => {
    const published = [{ project: "shop-staging", container: "shop-staging-old-1", ports: [everywhere] }];
    expect(held({ published, sockets: [everywhere, { ...everywhere, address: "::" }] })).toBeUndefined();
  });

  test("of others are named with who has them", () => {
    const published = [{ project: "blog", container: "blog-web-1", ports: [everywhere] }];
    expect(held({ published, sockets: [everywhere] })).toEqual([
      "10.0.0.1: tcp port 80, which web publishes, is taken by the container blog-web-1 of the project blog",
    ]);
    expect(held({ sockets: [everywhere] })).toEqual(["10.0.0.1: tcp port 80, which web publishes, is taken by a process on the host"]);
    expect(
      held({
        sockets: [
          { ...everywhere, protocol: "udp" },
          { ...everywhere, port: 81 },
        ],
      }),
    ).toBeUndefined();
  });

  test("that a container of this project in the host's network may have refuse nothing", () => {
    const containers = [
      {
        ...carryOut(emptyHost, [{ verb: "recreate", services: ["web"] }], { rendered, commit: "c" }).containers[0]!,
        network: "host",
      },
    ];
    expect(held({ sockets: [everywhere] }, { containers })).toBeUndefined();
  });

  test("of a range are short only when all of it is taken", () => {
    const services = { web: { image: "ours", ports: [{ target: 8000, published: "80-81", host_ip: "127.0.0.1" }] } };
    const ranged = rendering({ services }, {});
    const state = (ports: readonly number[]) => ({
      ...emptyHost,
      capacity: { ...free(1000), sockets: ports.map((port) => ({ ...everywhere, port })) },
    });
    expect(portShortage(ranged, state([80]))).toBeUndefined();
    expect(portShortage(ranged, state([80, 81]))?.details).toEqual([
      "10.0.0.1: tcp port 80-81, which web publishes, is taken by a process on the host",
    ]);
  });
});

describe("disk", () => {
  const state = (available: number): HostState => ({
    ...emptyHost,
    images: ["r.example/there@sha256:01"],
    capacity: { ...free(1000), disk: { path: "/var/lib/docker", free: available * mebibyte } },
  });
  const layers = new Map([
    [
      "r.example/web@sha256:02",
      [
        { digest: "base", size: 200 * mebibyte },
        { digest: "web", size: 10 * mebibyte },
      ],
    ],
    [
      "r.example/api@sha256:03",
      [
        { digest: "base", size: 200 * mebibyte },
        { digest: "api", size: 20 * mebibyte },
      ],
    ],
  ]);

  test("what is there is not pulled", () => {
    expect(missingImages(["r.example/there@sha256:01", "r.example/web@sha256:02"], state(0))).toEqual(["r.example/web@sha256:02"]);
  });

  test("layers that images share count once, those that are there not at all", () => {
    expect(diskShortage(state(3 * 230 + 256), layers, new Set())).toBeUndefined();
    expect(diskShortage(state(3 * 230 + 255), layers, new Set())?.details).toEqual([
      "10.0.0.1: 945 MiB are free at /var/lib/docker; unpacking what is to be pulled takes about 690 MiB, and 256 MiB are to stay free",
      "  r.example/web: 210 MiB to pull",
      "  r.example/api: 20 MiB to pull",
    ]);
    expect(diskShortage(state(3 * 30 + 256), layers, new Set(["base"]))).toBeUndefined();
  });

  test("nothing is refused for sizes that are not known", () => {
    expect(diskShortage(state(0), new Map(), new Set())).toBeUndefined();
    expect(diskShortage(emptyHost, layers, new Set())).toBeUndefined();
  });
});
