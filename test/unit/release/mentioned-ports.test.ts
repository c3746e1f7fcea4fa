import { describe, expect, test } from "vitest";
import { addPorts } from "../../../src/lib/fronts/further-ports.ts";
import { findMentions, type MentionInput } from "../../../src/lib/services/mentioned-ports.ts";
import type { ComposeService } from "../../../src/lib/compose/model.ts";
import { reachedBy } from "../../../src/lib/fronts/reach.ts";
import type { ServiceRollout } from "../../../src/lib/fronts/rollout.ts";

const networks = { default: null };

function input(services: Record<string, ComposeService>, more: Partial<MentionInput> = {}): MentionInput {
  const near = Object.fromEntries(Object.entries(services).map(([name, service]) => [name, { networks, ...service }]));
  return { model: { services: near }, project: "shop-staging", profiles: [], files: [], stateDirectory: "/state", ...more };
}

function mentionsOf(services: Record<string, ComposeService>, more: Partial<MentionInput> = {}): string[] {
  return findMentions(input(services, more)).map(({ from, to, name, port }) => `${from} → ${to} (${name}:${port})`);
}

describe("a port is mentioned", () => {
  test.each<[string, ComposeService]>([
    ["in the environment", { environment: { METRICS: "http://web:9100/metrics" } }],
    ["with a user and a password", { environment: { URL: "amqp://user:secret@web:9100/vhost" } }],
    ["without a scheme", { environment: { TARGETS: "web:9100,other:1" } }],
    ["in a command", { command: ["scrape", "--target=web:9100"] }],
    ["in a label", { labels: { "probe.url": "http://web:9100" } }],
    ["as host and port", { environment: { METRICS_HOST: "web", METRICS_PORT: "9100" } }],
  ])("%s", (_name, asker) => {
    expect(mentionsOf({ web: {}, asker })).toEqual(["asker → web (web:9100)"]);
  });

  test("in a file that is mounted, or in a config", () => {
    const content = new TextEncoder().encode("upstream app { server web:9100; }");
    const files = [{ path: "files/aa/conf/nginx.conf", executable: false, content }];
    const nginx = { volumes: [{ type: "bind", source: "/state/files/aa/conf", target: "/etc/nginx" }] };
    expect(mentionsOf({ web: {}, nginx }, { files })).toEqual(["nginx → web (web:9100)"]);
    expect(mentionsOf({ web: {}, other: {} }, { files })).toEqual([]);
    const prometheus = { configs: [{ source: "scrape" }] };
    const { model } = input({ web: {}, prometheus });
    const configs = { scrape: { content: "targets: ['web:9100']" } };
    expect(mentionsOf({}, { model: { ...model, configs } })).toEqual(["prometheus → web (web:9100)"]);
  });

  test("by any name that the service has there: alias, link, container's name", () => {
    const web = { container_name: "shop_web", networks: { default: { aliases: ["app"] } } };
    const asker = {
      links: ["web:base_api"],
      environment: { A: "app:1001", B: "http://base_api:1002", C: "shop_web:1003", D: "shop-staging-web-1:1004" },
    };
    expect(mentionsOf({ web, asker }).map((line) => line.replace(/^.*:/, ""))).toEqual(["1001)", "1002)", "1003)", "1004)"]);
  });

  test("by the port of the scheme, where none is written", () => {
    expect(mentionsOf({ web: {}, asker: { environment: { A: "http://web/api", B: "https://web" } } })).toEqual([
      "asker → web (web:80)",
      "asker → web (web:443)",
    ]);
  });

  test("of another protocol than TCP, which no front passes on, and nobody can look for", () => {
    const others = (services: Record<string, ComposeService>) =>
      findMentions(input(services)).map(({ to, port, isOther = false }) => `${to}:${port} ${isOther}`);
    const asked = (value: string) => others({ web: {}, asker: { environment: { A: value } } });
    expect(asked("udp://web:8125")).toEqual(["web:8125 true"]);
    expect(asked("statsd://web:8125")).toEqual(["web:8125 true"]);
    expect(asked("syslog+udp://web:514")).toEqual(["web:514 true"]);
    expect(asked("web:514/udp")).toEqual(["web:514 true"]);
    expect(asked("tcp://web:514")).toEqual(["web:514 false"]);
    expect(asked("http://web:8000/udp")).toEqual(["web:8000 false"]);
    const asker = { environment: { STATSD_HOST: "web", STATSD_PORT: "8125" } };
    expect(others({ web: { expose: ["8125/udp"] }, asker })).toEqual(["web:8125 true"]);
    expect(others({ web: { ports: [{ target: 8125, protocol: "udp" }] }, asker })).toEqual(["web:8125 true"]);
    expect(others({ web: { expose: ["8125/udp", "8125"] }, asker })).toEqual(["web:8125 false"]);
    const mentions = findMentions(input({ web: {}, asker: { environment: { A: "udp://web:8125" } } }));
    const rollouts = new Map<string, ServiceRollout>([["web", { rollout: "blue-green", reason: "", ports: [] }]]);
    expect(addPorts(rollouts, { model: { services: {} }, mentions, config: {} })).toMatchObject({ notes: [] });
  });

  test("not by what only looks like it", () => {
    const asker = { environment: { A: "myweb:9100", B: "web.example:9100", C: "x/web:9100.5", D: "web:70000", E: "http://web.example/" } };
    expect(mentionsOf({ web: {}, asker })).toEqual([]);
    expect(mentionsOf({ web: { environment: { A: "http://web:9100" } } })).toEqual([]);
    expect(mentionsOf({ web: { networks: { other: null } }, asker: { environment: { A: "web:9100" } } })).toEqual([]);
    expect(mentionsOf({ web: {}, asker: { extra_hosts: ["web=10.0.0.1"], environment: { A: "web:9100" } } })).toEqual([]);
  });
});

describe("ports that are mentioned", () => {
  const blueGreen: ServiceRollout = { rollout: "blue-green", reason: "", ports: [{ port: 8000, mode: "http", proxyProtocol: false }] };
  const recreate: ServiceRollout = { rollout: "recreate", reason: "no port is known", ports: [] };
  const facts = input({ web: {}, asker: { environment: { A: "http://web:9100 http://web:8000" } } });
  const mentions = findMentions(facts);

  test("are passed on by the front of a service that has one", () => {
    const { rollouts, notes } = addPorts(new Map([["web", blueGreen]]), { model: facts.model, mentions, config: {} });
    expect(rollouts.get("web")?.ports).toEqual([...blueGreen.ports, { port: 9100, mode: "auto", proxyProtocol: false }]);
    expect(notes).toEqual(["web: its front also passes port 9100 on, which asker mentions"]);
  });

  test("make no front, but the plan says what would", () => {
    const { rollouts, notes } = addPorts(new Map([["web", recreate]]), { model: facts.model, mentions, config: {} });
    expect(rollouts.get("web")).toEqual(recreate);
    expect(notes).toEqual(["web: asker asks it at port 8000; with `services.web.port: 8000` it is replaced without a gap"]);
  });
});

test("everything that asks is to reach what it asks, and fronts what is behind them", () => {
  const { model } = input({
    gateway: {
      links: ["web:base_api", "db"],
      ports: [{ target: 443, protocol: "tcp" }],
      depends_on: { web: {}, migrate: { condition: "service_completed_successfully" } },
    },
    web: { environment: { DATABASE_URL: "postgres://db:5432/x" }, depends_on: { db: { condition: "service_healthy" } } },
    db: {},
    migrate: {},
    far: { networks: { other: null }, depends_on: { db: {} } },
  });
  const rollout = (way: ServiceRollout["rollout"]): ServiceRollout => ({ rollout: way, reason: "", ports: [] });
  const rollouts = new Map(Object.keys(model.services).map((name) => [name, rollout(name === "web" ? "blue-green" : "recreate")]));
  const mentions = findMentions({ model, project: "shop", profiles: [], files: [], stateDirectory: "/state" });
  expect(reachedBy({ model, rollouts, config: {}, mentions })).toEqual([
    "web",
    "gateway>443>tcp",
    "gateway>web>base_api>-",
    "gateway>db>db>-",
    "gateway>web>web>-",
    "web>db>db>5432",
  ]);
});

test("what runs to its end is reached by nobody, and reaches nobody once it has ended", () => {
  const { model } = input({
    web: { depends_on: { prepare: { condition: "service_started" } }, environment: { A: "prepare:5000" } },
    prepare: { ports: [{ target: 5000 }], links: ["web"] },
  });
  const rollouts = new Map<string, ServiceRollout>([
    ["web", { rollout: "blue-green", reason: "", ports: [] }],
    ["prepare", { rollout: "once", reason: "", ports: [] }],
  ]);
  const mentions = findMentions({ model, project: "shop", profiles: [], files: [], stateDirectory: "/state" });
  expect(reachedBy({ model, rollouts, config: {}, mentions })).toEqual(["web"]);
});
