import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ComposeModel, ComposeService } from "../../../src/lib/compose/model.ts";
import { render } from "../../../src/lib/release/render.ts";
import type { RenderInput } from "../../../src/lib/release/rendered.ts";
import { lastRuns, runsAfter, type TaskRun } from "../../../src/lib/release/task-runs.ts";

const digest = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");
const file = (text: string) => ({ files: [{ path: "", executable: false, content: new TextEncoder().encode(text) }] });

const web: ComposeService = {
  image: "web",
  environment: { A: "1" },
  volumes: [{ type: "bind", source: "/in/settings.py", target: "/settings.py", read_only: true }],
  depends_on: { db: { condition: "service_healthy" } },
};
const db: ComposeService = { image: "postgres:15", volumes: [{ type: "volume", source: "pg", target: "/var/lib/postgresql/data" }] };

interface Change {
  web?: ComposeService;
  db?: ComposeService;
  model?: Partial<ComposeModel>;
  run?: string[];
  version?: string;
  settings?: string;
}

/** The definition of a task that runs with the settings of web. */
function definition(change: Change = {}): string {
  const input: RenderInput = {
    model: {
      services: { web: { ...web, ...change.web }, db: { ...db, ...change.db } },
      volumes: { pg: {}, other: {} },
      ...change.model,
    },
    project: "shop-staging",
    stateDirectory: "/state",
    sourceDirectory: "/in",
    sources: new Map([["settings.py", file(change.settings ?? "A = 1")]]),
    variables: {},
    images: new Map(
      ["web", "postgres:15"].map((name) => [name, { image: `r.example/${name}@sha256:${(change.version ?? "1").repeat(64)}` }]),
    ),
    front: { image: "haproxy" },
    services: {},
    tasks: [{ name: "migrate", service: "web", run: change.run ?? ["migrate"], timeout: 1000 }],
    profiles: [],
    digest,
  };
  return render(input).tasks["migrate"]!.definition;
}

describe("what a task is", () => {
  test.each<[string, Change]>([
    ["its image", { version: "2" }],
    ["its command", { run: ["migrate", "--force"] }],
    ["its entrypoint", { web: { entrypoint: ["sh"] } }],
    ["its environment", { web: { environment: { A: "2" } } }],
    ["what is mounted", { web: { volumes: [] } }],
    ["the content of what is mounted", { settings: "A = 2" }],
    ["its user", { web: { user: "1000" } }],
    ["its folder", { web: { working_dir: "/srv" } }],
    ["its networks", { web: { networks: { other: null } }, model: { networks: { other: {} } } }],
    ["a config", { web: { configs: [{ source: "c" }] }, model: { configs: { c: { content: "x" } } } }],
    ["where the database that it depends on has its data", { db: { volumes: [{ type: "volume", source: "other", target: "/data" }] } }],
  ])("another one with another of %s", (_name, change) => {
    expect(definition(change)).not.toBe(definition());
  });

  test.each<[string, Change]>([
    ["labels", { web: { labels: { a: "b" } } }],
    ["health check", { web: { healthcheck: { test: ["CMD", "true"] } } }],
    ["ports", { web: { ports: [{ target: 8000 }] } }],
    ["replicas and limits", { web: { deploy: { replicas: 2, resources: { limits: { memory: "1g" } } }, mem_limit: "1g", cpus: 2 } }],
    ["restart policy", { web: { restart: "always" } }],
    ["logging", { web: { logging: { driver: "none" } } }],
    ["time to stop", { web: { stop_grace_period: "1m", stop_signal: "SIGINT" } }],
    ["the database's settings", { db: { environment: { A: "1" }, command: ["postgres", "-c", "a=b"] } }],
  ])("the same whatever its service's %s", (_name, change) => {
    expect(definition(change)).toBe(definition());
  });
});

describe("the last run of a task", () => {
  const manifest = (runs?: Record<string, TaskRun>) => (runs === undefined ? {} : { runs });
  const old = { definition: "m1", release: "20260101t000000-aaaaaaaa" };
  const young = { definition: "m2", release: "20260102t000000-bbbbbbbb" };

  test("is the newest that any host knows", () => {
    expect(lastRuns([manifest({ migrate: old, seed: young }), undefined, manifest({ migrate: young, seed: old }), manifest()])).toEqual({
      migrate: young,
      seed: young,
    });
    expect(lastRuns([])).toEqual({});
  });

  test("after a release is that release's for what ran in it, and stays what it was for all else", () => {
    const tasks = { migrate: { definition: "m3" }, seed: { definition: "s1" } };
    expect(runsAfter("r9", { migrate: old, seed: young, gone: old }, tasks, ["migrate"])).toEqual({
      migrate: { definition: "m3", release: "r9" },
      seed: young,
      gone: old,
    });
  });
});
