import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { AttributeList } from "../../../scripts/compose-schema/attributes.ts";
import type { ComposeModel, ComposeService } from "../../../src/lib/compose/model.ts";
import { render } from "../../../src/lib/release/render.ts";

const { attributes } = JSON.parse(readFileSync("test/unit/release/compose-attributes.json", "utf8")) as AttributeList;

/** What Compose leaves in a merged model; anything else may be any value, since nothing looks at it. */
const samples: Record<string, unknown> = {
  command: ["serve"],
  configs: [{ source: "settings", target: "/settings", uid: "1", gid: "2", mode: "0400" }],
  depends_on: { db: { condition: "service_healthy", required: false, restart: true } },
  deploy: { mode: "replicated", labels: { a: "b" }, resources: { limits: { cpus: "0.5", pids: 9 }, reservations: { memory: "1024" } } },
  entrypoint: ["/start", "--now"],
  environment: { A: "1", B: null },
  expose: ["8000"],
  extra_hosts: ["a=1.2.3.4"],
  healthcheck: { test: ["CMD", "true"], interval: "5s", timeout: "3s", retries: 2, start_period: "9s", start_interval: "1s" },
  labels: { "com.example": "yes" },
  models: { llm: { endpoint_var: "URL", model_var: "MODEL" } },
  networks: { default: { driver_opts: { a: "b" }, priority: 3, gw_priority: 2, interface_name: "eth7" } },
  ports: [{ target: 80, published: "8080", protocol: "tcp", mode: "ingress", host_ip: "127.0.0.1", name: "web", app_protocol: "http" }],
  scale: 2,
  secrets: [{ source: "token", target: "/token", uid: "1", gid: "2", mode: "0400" }],
  security_opt: ["no-new-privileges:true", "seccomp=unconfined"],
  volumes_from: ["db:ro"],
  volumes: [{ type: "volume", source: "data", target: "/data", read_only: true, volume: { nocopy: true, subpath: "a" } }],
};

/** Gone from what Compose makes of its files, or refused. */
const gone = new Set(["extends", "env_file", "label_file", "provider", "pre_start"]);
/** Not what a deploy does; docs/compose.md says what it does instead. */
const changed = new Set(["build", "develop", "image", "links", "pull_policy", "pull_refresh_after"]);
/** What makes a service run without a front, or is its front's. */
const withoutSlot = new Set([
  "container_name",
  "hostname",
  "ports",
  "mac_address",
  "network_mode",
  "restart",
  "volumes_from",
  "ipc",
  "pid",
]);
/** What belongs to one place alone, or to the service as such and not to a command run once beside it. */
const notInTasks = new Set([
  "mac_address",
  "command",
  "container_name",
  "depends_on",
  "healthcheck",
  "hostname",
  "networks",
  "ports",
  "profiles",
  "restart",
  "scale",
]);

const kept = [...new Set(attributes.flatMap((path) => /^services\.\*\.([a-z_]+)$/.exec(path)?.[1] ?? []))].filter(
  (name) => !gone.has(name) && !changed.has(name),
);

/** A model in which a service has an attribute, rendered with the service as one container, or in slots. */
function renderWith(name: string, value: unknown, rollout: "recreate" | "blue-green"): ComposeModel {
  const profiles = name === "profiles" ? ["debug"] : [];
  const web: ComposeService = { image: "web", [name]: value };
  return render({
    model: {
      services: { web, db: { image: "db" } },
      configs: { settings: { content: "a" } },
      secrets: { token: { file: "/srv/token" } },
      networks: { default: {} },
      volumes: { data: {} },
    },
    project: "shop-staging",
    stateDirectory: "/state",
    sourceDirectory: "/source",
    images: new Map([["web", { image: "web@sha256:aa", built: "web" }]]),
    front: { image: "haproxy" },
    services: { web: { rollout, ...(rollout === "blue-green" ? { ports: [{ port: 8000 }] } : {}) } },
    tasks: [{ name: "migrate", service: "web", run: ["migrate"], timeout: 1000 }],
    sources: new Map(),
    variables: {},
    profiles,
    digest: (content) => createHash("sha256").update(content).digest("hex"),
  }).model;
}

describe("a service keeps what Compose gives it:", () => {
  const sample = (name: string) => samples[name] ?? (name === "profiles" ? ["debug"] : `a value of ${name}`);

  test.each(kept)("%s", (name) => {
    expect(renderWith(name, sample(name), "recreate").services["web"]).toMatchObject({ [name]: sample(name) });
  });

  test.each(kept.filter((name) => !withoutSlot.has(name)))("%s, in a slot", (name) => {
    expect(renderWith(name, sample(name), "blue-green").services["web-blue"]).toMatchObject({ [name]: sample(name) });
  });

  test.each(kept.filter((name) => !notInTasks.has(name)))("%s, in a task", (name) => {
    expect(renderWith(name, sample(name), "recreate").services["task-migrate"]).toMatchObject({ [name]: sample(name) });
  });
});
