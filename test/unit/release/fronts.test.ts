import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ComposeModel, ComposeService } from "../../../src/lib/compose/model.ts";
import { render } from "../../../src/lib/release/render.ts";
import type { RenderInput } from "../../../src/lib/release/rendered.ts";

const image = "registry.example/shop/web@sha256:aa";
const healthcheck = { test: ["CMD", "curl", "http://localhost:8000/up"] };

function rendered(services: Record<string, ComposeService>, more: Partial<RenderInput> = {}, model: Partial<ComposeModel> = {}) {
  return render({
    model: { services, ...model },
    project: "shop-staging",
    stateDirectory: "/state",
    sourceDirectory: "/in",
    images: new Map([
      ["web", { image, built: "web" }],
      ["haproxy:lts", { image: "haproxy@sha256:bb" }],
    ]),
    front: { image: "haproxy:lts" },
    services: {},
    tasks: [],
    sources: new Map(),
    variables: {},
    profiles: [],
    digest: (content) => createHash("sha256").update(content).digest("hex"),
    ...more,
  });
}

test("a front publishes what several containers would of a range of ports", () => {
  const published = (port: string, scale: number) =>
    rendered({ web: { image: "web", scale, ports: [{ target: 8000, published: port, protocol: "tcp" }] } }).model.services[
      "web"
    ]?.ports?.map((each) => each.published);
  expect(published("8000-8002", 3)).toEqual(["8000", "8001", "8002"]);
  expect(published("8000-8009", 2)).toEqual(["8000", "8001"]);
  expect(published("8000-8001", 3)).toEqual(["8000", "8001"]);
  expect(published("8000-8002", 1)).toEqual(["8000-8002"]);
  expect(published("8000", 3)).toEqual(["8000"]);
});

const full: ComposeService = {
  image: "web",
  command: ["serve"],
  container_name: "shop_web",
  hostname: "web",
  mac_address: "02:00:00:00:00:01",
  ports: [{ target: 8000, published: "80", protocol: "tcp", mode: "ingress" }],
  expose: ["8000"],
  links: ["db:database", "api:backend"],
  depends_on: {
    db: { condition: "service_healthy", required: true },
    api: { condition: "service_healthy", restart: true, required: true },
  },
  networks: { default: null, back: { aliases: ["shop"], ipv4_address: "10.0.0.5", priority: 1 } },
  environment: { A: "b" },
  restart: "unless-stopped",
  scale: 2,
  deploy: { replicas: 2, restart_policy: { condition: "on-failure" }, resources: { limits: { memory: "1g" } } },
  volumes: [{ type: "volume", source: "media", target: "/media" }],
  labels: { team: "a" },
  privileged: true,
  healthcheck,
};
const api: ComposeService = { image: "web", healthcheck };

describe("a service with a front", () => {
  const { model, fronts, services } = rendered(
    { web: full, api, db: { image: "postgres", scale: 1 } },
    // Its two slots may write to its volume.
    { services: { web: { rollout: "blue-green" } } },
  );
  const { web, "web-blue": blue, "web-green": green } = model.services;

  test("is reached by its front, which has all that others reach it by, and nothing of what it runs", () => {
    expect(web).toEqual({
      image: "haproxy@sha256:bb",
      command: ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"],
      restart: "always",
      stop_signal: "SIGUSR1",
      volumes: [{ type: "bind", source: "/state/fronts/web", target: "/usr/local/etc/haproxy", read_only: true }],
      container_name: "shop_web",
      mac_address: "02:00:00:00:00:01",
      networks: { default: null, back: { aliases: ["shop"], ipv4_address: "10.0.0.5", priority: 1 } },
      ports: [{ target: 8000, published: "80", protocol: "tcp", mode: "ingress" }],
      labels: { "coldtivate.definition": fronts["web"]?.definition, "coldtivate.state": "/state" },
    });
  });

  test("runs in a slot, without what only one container can have", () => {
    expect(blue).toEqual({
      image,
      command: ["serve"],
      expose: ["8000"],
      external_links: ["shop-staging-db-1:database", "shop-staging-db-1:db-1", "shop-staging-api-1:backend", "shop-staging-api-1:api-1"],
      depends_on: {
        db: { condition: "service_healthy", required: true },
        api: { condition: "service_started", required: true },
      },
      networks: { default: null, back: { priority: 1 } },
      environment: { A: "b", COLDTIVATE_SLOT: "blue" },
      restart: "always",
      scale: 2,
      deploy: { replicas: 2, resources: { limits: { memory: "1g" } } },
      volumes: [{ type: "volume", source: "media", target: "/media" }],
      labels: { team: "a", "coldtivate.definition": services["web"]?.definition, "coldtivate.state": "/state" },
      privileged: true,
      healthcheck,
    });
  });

  test("has slots that differ in their name alone", () => {
    expect(green).toEqual({ ...blue, environment: { A: "b", COLDTIVATE_SLOT: "green" } });
  });

  test("says what moved", () => {
    expect(fronts["web"]?.moved).toEqual([
      "published ports",
      "container_name shop_web",
      "hostname web",
      "static addresses",
      "network aliases",
    ]);
  });
});

test("slots have addresses of their own where services have: one may start later whose address would be taken", () => {
  const networks = { net: { ipv4_address: "10.9.0.2" } };
  const { model, services } = rendered(
    { web: { ...api, networks }, db: { image: "postgres", networks: { net: { ipv4_address: "10.9.0.3" } } } },
    {},
    { networks: { net: { ipam: { config: [{ subnet: "10.9.0.0/24" }] } } } },
  );
  const addressOf = (name: string) => model.services[name]?.networks?.["net"]?.ipv4_address;
  expect([addressOf("web"), addressOf("db")]).toEqual(["10.9.0.2", "10.9.0.3"]);
  expect(new Set([addressOf("web-blue"), addressOf("web-green"), "10.9.0.2", "10.9.0.3", undefined]).size).toBe(5);
  expect(model.services["web-blue"]?.labels).toMatchObject({ "coldtivate.definition": services["web"]?.definition });
});

describe("a health check that asks its service by name", () => {
  const named = (url: string, more: ComposeService = {}) => ({ image: "web", ...more, healthcheck: { test: ["CMD", "curl", url] } });

  test("asks the slot that it runs in, and not the front, which leads to the other one", () => {
    const { model } = rendered(
      { web: named("http://web:8000/"), app: named("http://shop_app:80", { container_name: "shop_app", extra_hosts: ["a=1.2.3.4"] }) },
      { tasks: [{ name: "t", service: "web", run: ["x"], timeout: 1, when: "always" } as never] },
    );
    expect(model.services["web-blue"]?.["extra_hosts"]).toEqual(["web=127.0.0.1"]);
    expect(model.services["app-green"]?.["extra_hosts"]).toEqual(["a=1.2.3.4", "shop_app=127.0.0.1"]);
    expect(model.services["task-t"]).not.toHaveProperty("extra_hosts");
  });

  test.each([
    ["another one", named("http://api:8000/"), "web-blue"],
    ["itself", named("http://localhost:8000/web"), "web-blue"],
    ["what is replaced in place", named("http://web:8000/", { network_mode: "bridge" }), "web"],
  ])("changes nothing where it asks %s", (_what, service, name) => {
    const { model } = rendered({ web: { expose: ["8000"], ...service }, api });
    expect(model.services[name]).toBeDefined();
    expect(model.services[name]).not.toHaveProperty("extra_hosts");
  });
});

test("no release changes a front: not its service's image, environment, number or order", () => {
  const definition = (service: ComposeService, images?: RenderInput["images"]) =>
    rendered({ web: service, api }, images === undefined ? {} : { images }).fronts["web"]?.definition;
  const others: ComposeService = { ...full, environment: { A: "c" }, command: ["other"], scale: 5, labels: {}, depends_on: {}, links: [] };
  const next = new Map([
    ["web", { image: "registry.example/shop/web@sha256:cc", built: "web" }],
    ["haproxy:lts", { image: "haproxy@sha256:bb" }],
  ]);
  expect(definition(others, next)).toBe(definition(full));
});

test("a front that is there keeps its image, whatever the tag means now", () => {
  const { fronts } = rendered({ web: full, api }, { runningFronts: { web: { reference: "haproxy:2", image: "haproxy@sha256:00" } } });
  expect([fronts["web"]?.image, fronts["api"]?.image]).toEqual(["haproxy@sha256:00", "haproxy@sha256:bb"]);
});

test("a front is found by the name of its container, so that its successor is, too", () => {
  const { model, fronts } = rendered({ web: { ...api, networks: { default: null, back: { aliases: ["shop"] } } } });
  expect(model.services["web"]?.networks).toEqual({
    default: { aliases: ["shop-staging-web-1"] },
    back: { aliases: ["shop", "shop-staging-web-1"] },
  });
  expect(fronts["web"]?.exclusive).toEqual([]);
});

test("what one front alone can have is told", () => {
  expect(rendered({ web: full }).fronts["web"]?.exclusive).toEqual(["published port 80", "container_name shop_web", "fixed addresses"]);
});

test("more containers, another order or other profiles are the same definition: no container differs", () => {
  const definition = (service: ComposeService) => rendered({ web: service, api }).services["web"]?.definition;
  const { db: _db, ...order } = full.depends_on ?? {};
  expect(definition({ ...full, scale: 1, depends_on: order })).toBe(definition(full));
  expect(definition({ ...full, command: ["other"] })).not.toBe(definition(full));
});

test("a service that is held has one slot, and a configuration for the time in between", () => {
  const { model, fronts } = rendered({ web: full, api }, { services: { web: { rollout: "hold" } } });
  expect(Object.keys(model.services).toSorted()).toEqual(["api", "api-blue", "api-green", "web", "web-slot"]);
  expect(fronts["web"]).toMatchObject({ slots: ["slot"], hold: expect.stringContaining("backend gate-8000") });
});

test("tasks run as the service's slot does, without the slot's name", () => {
  const { model } = rendered({ web: full, api }, { tasks: [{ name: "migrate", service: "web", run: ["migrate"], timeout: 1 }] });
  expect(model.services["task-migrate"]).toMatchObject({ image, command: ["migrate"], environment: { A: "b" }, privileged: true });
  expect(model.services["task-migrate"]).not.toHaveProperty("ports");
  expect(model.services["task-migrate"]?.environment).not.toHaveProperty("COLDTIVATE_SLOT");
});

test("others' dependencies and links lead to the front", () => {
  const gateway: ComposeService = {
    image: "postgres",
    links: ["web:base_api"],
    depends_on: { web: { condition: "service_healthy", restart: true } },
  };
  expect(rendered({ web: api, gateway }).model.services["gateway"]).toMatchObject({
    external_links: ["shop-staging-web-1:base_api", "shop-staging-web-1:web-1"],
    depends_on: { web: { condition: "service_started" } },
  });
});

test("a front is found by the names of all containers that the service had when it was made, and by the host name that they give themselves", () => {
  const three = { ...api, scale: 3, hostname: "shop", networks: { default: null } };
  const { model, fronts } = rendered({ web: three });
  const aliases = ["shop-staging-web-1", "shop-staging-web-2", "shop-staging-web-3", "shop"];
  expect(model.services["web"]?.networks).toEqual({ default: { aliases } });
  expect(model.services["web-blue"]).not.toHaveProperty("hostname");
  const more = rendered({ web: { ...three, scale: 5 } }, { runningFronts: { web: fronts["web"]! } });
  expect(more.fronts["web"]?.definition).toBe(fronts["web"]?.definition);
});

test.each<[string, Record<string, ComposeService>]>([
  ["service", { "web-blue": { image: "postgres" } }],
  ["container", { db: { image: "postgres", container_name: "web-green" } }],
  ["alias", { db: { image: "postgres", networks: { default: { aliases: ["web-blue"] } } } }],
])("a slot's name that a %s has is refused", (_kind, others) => {
  expect(() => rendered({ web: api, ...others })).toThrow(expect.objectContaining({ code: "SLOT_NAME_TAKEN" }));
});
