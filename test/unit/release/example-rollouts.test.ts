import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import type { ComposeModel, ComposeService } from "../../../src/lib/compose/model.ts";
import { inferRollouts } from "../../../src/lib/fronts/rollout.ts";

/** As Compose would write it out, as far as it matters here. */
function normalise(service: Record<string, unknown>): ComposeService {
  const {
    ports = [],
    volumes = [],
    healthcheck,
    ...rest
  } = service as {
    ports?: string[];
    volumes?: string[];
    healthcheck?: { test: string[] | string };
  };
  const check = healthcheck?.test ?? [];
  return {
    ...rest,
    ports: ports.map((port) => ({ target: Number(port.split(":")[1]), published: port.split(":")[0]! })),
    volumes: volumes.map((volume) => ({ type: "volume", source: volume.split(":")[0]!, target: volume.split(":")[1]! })),
    healthcheck: { test: typeof check === "string" ? ["CMD-SHELL", check] : check },
  };
}

/** What the gateway's Dockerfile says. */
const caddy = {
  ports: [80, 443],
  volumes: [],
  entrypoint: [],
  command: ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"],
  environment: { XDG_DATA_HOME: "/data", XDG_CONFIG_HOME: "/config" },
};

test("the example's services for requests go in slots, and the rest is replaced in place", () => {
  const { services } = parse(readFileSync("example/docker-compose.yml", "utf8"), { merge: true }) as {
    services: Record<string, Record<string, unknown>>;
  };
  const model: ComposeModel = {
    services: Object.fromEntries(Object.entries(services).map(([name, service]) => [name, normalise(service)])),
  };
  const rollouts = inferRollouts({
    model,
    names: Object.keys(services),
    config: {},
    isBuilt: (name) => name !== "db" && name !== "valkey",
    factsOf: (name) => (name === "gateway" ? caddy : undefined),
    isContent: () => false,
  });
  const by = (wanted: string) => [...rollouts].filter(([, { rollout }]) => rollout === wanted).map(([name]) => name);
  expect(by("blue-green")).toEqual([
    "gateway",
    "web",
    "scraping_india",
    "scraping_nigeria",
    "impact_dashboard_web",
    "vcca_air_service",
    "farmer_web",
    "comsol_dt_service",
  ]);
  expect(by("hold")).toEqual([]);
  expect(rollouts.get("gateway")?.reason).toContain("Caddy shares /data between two");
  expect(by("recreate")).toEqual(["celery", "impact_dashboard_scheduler", "farmer_scheduler", "db", "valkey"]);
});
