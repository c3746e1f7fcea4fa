import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { discoveryOf, discoveryPorts, hidden, isDiscovered } from "../../../src/lib/compose/discovery-labels.ts";
import type { ComposeModel, ComposeService } from "../../../src/lib/compose/model.ts";
import { render } from "../../../src/lib/release/render.ts";
import { discover, type FoundContainer } from "../../traefik.ts";

const traefik = {
  "traefik.enable": "true",
  "traefik.http.routers.shop.rule": "Host(`shop.example`)",
  "traefik.http.services.shop.loadbalancer.server.port": "8000",
  "com.centurylinklabs.watchtower.enable": "true",
};

function modelOf(service: ComposeService): ComposeModel {
  return render({
    model: { services: { web: { image: "web", healthcheck: { test: ["CMD", "curl", "http://localhost:8000/"] }, ...service } } },
    project: "shop-staging",
    stateDirectory: "/state",
    sourceDirectory: "/in",
    images: new Map([["web", { image: "web@sha256:aa", built: "web" }]]),
    front: { image: "haproxy" },
    services: {},
    tasks: [],
    sources: new Map(),
    variables: {},
    profiles: [],
    digest: (content) => createHash("sha256").update(content).digest("hex"),
  }).model;
}

/** What runs when these services of a model do. */
function running({ services }: ComposeModel, names: readonly string[]): FoundContainer[] {
  return names.map((name) => {
    const { labels = {}, expose = [], ports = [] } = services[name] ?? {};
    return {
      name,
      labels: { "com.docker.compose.service": name, "com.docker.compose.project": "shop-staging", ...labels },
      health: "",
      exposed: [...expose.map(Number), ...ports.map(({ target }) => target)],
    };
  });
}

describe("Traefik finds, by its own rules,", () => {
  const routing = { rules: { shop: "Host(`shop.example`)" }, errors: [] };

  test.each([[["web", "web-blue"]], [["web", "web-blue", "web-green"]], [["web", "web-green"]]])("one router while %j run", (names) => {
    const found = discover(running(modelOf({ labels: traefik }), names));
    expect(found).toEqual({ ...routing, servers: { shop: ["web:8000"] } });
  });

  test("the lowest port that the service exposes, where no label says one", () => {
    const { "traefik.http.services.shop.loadbalancer.server.port": _port, ...labels } = traefik;
    const model = modelOf({ labels, expose: ["9100", "8000"] });
    expect(discover(running(model, ["web", "web-blue"])).servers).toEqual({ shop: ["web:8000"] });
    const published = modelOf({ labels, ports: [{ target: 8001, published: "80", protocol: "tcp" }] });
    expect(discover(running(published, ["web", "web-blue"])).servers).toEqual({ shop: ["web:8001"] });
    expect(discover(running(modelOf({ labels }), ["web", "web-blue"])).servers).toEqual({ shop: ["web:8000"] });
  });

  test("both fronts as one service, while a new one joins the old one", () => {
    const model = modelOf({ labels: traefik });
    const fronts = running(model, ["web", "web"]).map((container, index) => ({ ...container, name: `web-${index + 1}` }));
    expect(discover(fronts)).toEqual({ ...routing, servers: { shop: ["web-1:8000", "web-2:8000"] } });
  });

  test("a service that is replaced in place as it is", () => {
    const model = modelOf({ labels: traefik, network_mode: "bridge" });
    expect(model.services["web"]?.labels).toMatchObject(traefik);
  });
});

describe("what others find a service by", () => {
  test("goes to the front, and nothing of it stays in the slots", () => {
    const labels = {
      caddy: "shop.example",
      "caddy.reverse_proxy": "{{upstreams 8000}}",
      "caddy_1.tls": "internal",
      "prometheus.io/scrape": "true",
      "prometheus-job": "shop",
      "homepage.group": "Apps",
      "ofelia.enabled": "true",
      team: "caddyshack",
    };
    const environment = { VIRTUAL_HOST: "shop.example", VIRTUAL_PORT: "8000", LETSENCRYPT_HOST: "shop.example", A: "b" };
    const { services } = modelOf({ labels, environment });
    const { "ofelia.enabled": _ofelia, team: _team, ...found } = labels;
    expect(services["web"]?.labels).toMatchObject(found);
    expect(services["web"]?.labels).not.toHaveProperty("team");
    expect(services["web"]).toMatchObject({
      environment: { VIRTUAL_HOST: "shop.example", VIRTUAL_PORT: "8000", LETSENCRYPT_HOST: "shop.example" },
      expose: ["8000"],
    });
    for (const slot of ["web-blue", "web-green"]) {
      expect(Object.keys(services[slot]?.labels ?? {}).filter((name) => !name.startsWith("coldtivate."))).toEqual([
        "ofelia.enabled",
        "team",
      ]);
      expect(services[slot]?.environment).toMatchObject({ A: "b", VIRTUAL_PORT: "8000" });
      expect(services[slot]?.environment).not.toHaveProperty("VIRTUAL_HOST");
    }
  });

  test("is nothing where a service is not to be found: its front is as before", () => {
    const service = { labels: { team: "a" }, environment: { VIRTUAL_PORT: "80", A: "b" } };
    expect(isDiscovered(service)).toBe(false);
    expect(discoveryOf(service)).toEqual({ labels: {}, environment: {} });
    expect(hidden(service)).toEqual(service);
    expect(modelOf(service).services["web"]).not.toHaveProperty("expose");
  });

  test("names ports that the front has to pass on", () => {
    const ports = (service: ComposeService) => discoveryPorts(service);
    expect(ports({ labels: traefik })).toEqual([8000]);
    expect(ports({ labels: { "caddy.reverse_proxy": "{{upstreams http 8001}}", "prometheus.port": "9100" } })).toEqual([8001, 9100]);
    expect(ports({ environment: { VIRTUAL_HOST: "x", VIRTUAL_PORT: "3000" } })).toEqual([3000]);
    expect(ports({ environment: { VIRTUAL_PORT: "3000" } })).toEqual([]);
    expect(ports({ labels: { "traefik.http.routers.web.entrypoints": "web" } })).toEqual([]);
  });
});

test("what routes to a container by labels goes to its front; what acts on one stays with it", () => {
  const routing = {
    swag: "enable",
    swag_port: "8000",
    "kop.traefik.enable": "true",
    "cloudflare.tunnel.enable": "true",
    "dockflare.hostname": "shop.example",
    "pangolin.proxy-resources.shop.name": "shop",
    "com.dnsdock.alias": "shop",
    "flame.type": "app",
    "glance.url": "https://shop.example",
  };
  const acting = {
    autoheal: "true",
    "com.centurylinklabs.watchtower.enable": "true",
    "diun.enable": "true",
    "wud.watch": "true",
    "ofelia.job-exec.a.schedule": "@daily",
    "deck-chores.a.command": "x",
    "docker-volume-backup.stop-during-backup": "true",
    "co.elastic.logs/enabled": "true",
    "sablier.enable": "true",
    swagger: "x",
  };
  const { labels } = discoveryOf({ labels: { ...routing, ...acting } });
  expect(labels).toEqual(routing);
  expect(hidden({ labels: { ...routing, ...acting } }).labels).toEqual(acting);
});

test("a port that clients are sent to is none of the container's", () => {
  const labels = { ...traefik, "traefik.http.middlewares.tls.redirectscheme.port": "443" };
  expect(discoveryPorts({ labels })).toEqual([8000]);
});

test("a router of UDP leads to no front", () => {
  const udp = { "traefik.udp.services.dns.loadbalancer.server.port": "5353" };
  expect(modelOf({ labels: { ...traefik, ...udp } }).services["web"]?.labels).toMatchObject({ ...traefik, ...udp });
  expect(discoveryPorts({ labels: { ...traefik, ...udp } })).toEqual([8000]);
});
