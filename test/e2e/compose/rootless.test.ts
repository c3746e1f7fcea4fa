import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, onHost, stagingHost } from "../support/hosts.ts";
import { makeProject, type Project } from "../support/projects/compose-project.ts";
import { top } from "../support/repository.ts";

/** Tells its version, the commit's file, and which versions have written where it may write. */
const server = `import http.server, json, os
def read(path): return open(path).read().split() if os.path.exists(path) else []
for path in ["/kept/log", "/uploads/log"]:
    if os.path.exists(os.path.dirname(path)): open(path, "a").write(os.environ["VERSION"] + "\\n")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        facts = {"version": os.environ["VERSION"], "conf": read("/conf/app.conf"), "kept": read("/kept/log"), "uploads": read("/uploads/log")}
        self.wfile.write(json.dumps(facts).encode())
    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
`;

const compose = (version: number) => `
x-app: &app
  image: \${CI_REGISTRY_IMAGE}/web:\${CI_COMMIT_REF_SLUG}
  command: [python3, /server.py]
  environment: { VERSION: "${version}" }
  init: true
  stop_grace_period: 1s
  healthcheck: { test: [CMD, bash, -c, "exec 3<>/dev/tcp/127.0.0.1/8000"], interval: 20s, start_period: 20s, start_interval: 500ms }
services:
  web: { <<: *app, ports: ["8350:8000"], user: "1000:1000", volumes: ["./conf:/conf:ro"] }
  store: { <<: *app, ports: ["127.0.0.1:8351:8000"], volumes: ["kept:/kept", "./uploads:/uploads"] }
volumes: { kept: {} }
`;

let project: Project;

const engine = async (verb: "up" | "down") =>
  onHost("staging", `bash -s ${verb} <<'SCRIPT'\n${await readFile(`${top}/test/e2e/support/rootless-engine.sh`, "utf8")}SCRIPT`);

beforeAll(async () => {
  await engine("up");
  project = await makeProject({
    name: "rootless",
    images: { web: "./web" },
    settings: `
tasks:
  - { name: mark, service: store, run: [sh, -c, "echo ran >>/uploads/runs"] }
`,
    files: {
      "web/Dockerfile": "ARG BASE\nFROM ${BASE}\nCOPY server.py /\n",
      "web/server.py": server,
      "conf/app.conf": "first\n",
      "docker-compose.yml": compose(1),
    },
    compose: ["docker-compose.yml"],
  });
});

afterAll(async () => {
  await engine("down");
  await project?.remove();
});

/** What the two services tell. */
async function look() {
  const addresses = [`${stagingHost()}:8350`, "127.0.0.1:8351"];
  const answers = await onHost("staging", addresses.map((address) => `curl -fsS http://${address}/; echo`).join("; "));
  const [web, store] = answers.trim().split("\n");
  return { web: JSON.parse(web!) as unknown, store: JSON.parse(store!) as unknown };
}

/** Asks the front of `web` all the time, until an action has ended. Returns: how many requests failed, of how many. */
async function underLoad(action: () => Promise<unknown>): Promise<{ failed: number; all: number }> {
  const counts = { failed: 0, all: 0 };
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      counts.all += 1;
      if ((await ask(`${stagingHost()}:8350`, "")) === undefined) counts.failed += 1;
      await wait(100);
    }
  })();
  await action().finally(() => (isOver = true));
  await asking;
  return counts;
}

const told = (version: "1" | "2", wrote: readonly string[]) => ({
  web: { version, conf: [version === "1" ? "first" : "second"], kept: [], uploads: [] },
  store: { version, conf: [], kept: wrote, uploads: wrote },
});

test("an engine without root is used throughout: pulls, tasks, fronts, switches, data, rollback, status", async () => {
  const { output } = await project.deploy();
  expect(output).toMatch(/pulled web@sha256/);
  expect(await look()).toEqual(told("1", ["1"]));

  await project.change({ "docker-compose.yml": compose(2), "conf/app.conf": "second\n" });
  const { failed, all } = await underLoad(() => project.deploy());
  expect(failed, `of ${all} requests`).toBe(0);
  expect(await look()).toEqual(told("2", ["1", "2"]));

  const back = await project.run("rollback", "staging");
  expect(back.exitCode, back.output).toBe(0);
  expect(await look()).toEqual(told("1", ["1", "2", "1"]));

  const status = await project.run("status", "staging");
  expect(status.exitCode, status.output).toBe(0);
  expect(status.output).toMatch(/web +front +running/);
  // Root's own engine has none of it.
  expect(await onHost("staging", `docker ps -aq --filter label=com.docker.compose.project=${project.project}`)).toBe("");
});
