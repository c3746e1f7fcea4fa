import { expect, test } from "vitest";
import type { ServiceConfig } from "../../../src/lib/config/config.ts";
import type { ComposeService } from "../../../src/lib/release/model.ts";
import { inferRollouts } from "../../../src/lib/release/rollout.ts";

const web: ComposeService = { healthcheck: { test: ["CMD", "curl", "http://localhost:8000/up"] } };

interface Case {
  service?: ComposeService;
  name?: string;
  config?: ServiceConfig;
  built?: boolean;
  others?: Record<string, ComposeService>;
}

function rolloutOf({ service = web, name = "web", config, built = true, others = {} }: Case) {
  const rollouts = inferRollouts({
    model: { services: { [name]: service, ...others } },
    names: [name],
    config: config === undefined ? {} : { [name]: config },
    isBuilt: () => built,
    isContent: (source) => source.startsWith("/state/files/"),
  });
  const { rollout, reason } = rollouts.get(name)!;
  return `${rollout}: ${reason}`;
}

const volume = { type: "volume", source: "data", target: "/data" };

test.each<[string, Case, string]>([
  ["takes requests", {}, "blue-green: port 8000, from its health check"],
  [
    "takes requests, and is to have a front",
    { config: { rollout: "blue-green" } },
    "blue-green: set in coldtivate.yml; port 8000, from its health check",
  ],
  ["takes none", { service: { command: ["worker"] } }, "recreate: no port is known"],
  ["celery with a beat", { service: { ...web, command: ["celery", "-A", "app", "worker", "-B"] } }, "recreate: celery … -B: a singleton"],
  ["celery's beat", { service: { command: ["sh", "-c", "celery -A app beat -l info"] } }, "recreate: celery … beat: a singleton"],
  ["celery without", { service: { ...web, command: ["celery", "-A", "app", "worker"] } }, "blue-green: port 8000, from its health check"],
  ["a scheduler", { name: "farmer_scheduler" }, "recreate: a scheduler, by its name: a singleton"],
  ["a database", { built: false, service: { expose: ["5432"], volumes: [volume] } }, "recreate: exclusive volume data"],
  [
    "another's image on a folder",
    { built: false, service: { ...web, volumes: [{ type: "bind", source: "/srv/d", target: "/d" }] } },
    "recreate: exclusive volume /srv/d",
  ],
  [
    "another's image with settings",
    { built: false, service: { ...web, volumes: [{ type: "bind", source: "/state/files/1/x", target: "/x" }] } },
    "blue-green: port 8000, from its health check",
  ],
  [
    "another's image, read-only",
    { built: false, service: { ...web, volumes: [{ ...volume, read_only: true }] } },
    "blue-green: port 8000, from its health check",
  ],
  ["our own with a volume", { service: { ...web, volumes: [volume] } }, "blue-green: port 8000, from its health check"],
  ["the host's network", { service: { ...web, network_mode: "host" } }, "recreate: network_mode host: no front possible"],
  ["UDP", { service: { ports: [{ target: 53, protocol: "udp" }] } }, "recreate: published UDP port 53: a front passes only TCP on"],
  [
    "a sidecar in its network",
    { others: { side: { network_mode: "service:web" } } },
    "recreate: side shares its container: no front possible",
  ],
  ["a reader of its volumes", { others: { side: { volumes_from: ["web:ro"] } } }, "recreate: side shares its container: no front possible"],
  ["set", { config: { rollout: "recreate" } }, "recreate: set in coldtivate.yml"],
  [
    "set against the name",
    { name: "scheduler", config: { rollout: "hold" } },
    "hold: set in coldtivate.yml; port 8000, from its health check",
  ],
])("%s", (_name, given, expected) => {
  expect(rolloutOf(given)).toBe(expected);
});

test.each<[Case, string]>([
  [{ service: {}, config: { rollout: "blue-green" } }, "web cannot be rolled out blue-green: no port is known"],
  [
    { service: { ports: [{ target: 53, protocol: "udp" }] }, config: { rollout: "hold" } },
    "web cannot be rolled out hold: published UDP port 53: a front passes only TCP on",
  ],
])("what cannot be is refused, and why", (given, detail) => {
  expect(() => rolloutOf(given)).toThrow(expect.objectContaining({ code: "ROLLOUT_IMPOSSIBLE", details: [detail] }));
});
