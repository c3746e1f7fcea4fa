// The tests build on each other: each goes on from where the one before it came to.
import { get } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { onHost, productionHost, stagingHost } from "../support/hosts.ts";
import { makeProject, type Project } from "../support/projects/compose-project.ts";
import type { Ran } from "../support/run.ts";

const project = "pipeline";
const port = 8390;
const contexts = { gateway: "./gateway", "base-api": "./base" };
const others = [
  "ml4-india",
  "ml4-nigeria",
  "impact-dashboard-backend",
  "impact-dashboard-backend-scheduler",
  "app-impact-reporting",
  "farmers-dashboard-backend",
  "farmers-dashboard-backend-scheduler",
  "comsol-dt",
];
/** By path at the gateway: how it calls the API. */
const apis = {
  base: "base_api:8000",
  air: "air_api:5000",
  farmer: "farmer_api:5000",
  impact: "impact_api:5000",
  comsol: "comsol_dt_service:5000",
};

const dockerfile = (number: number, run: string) => `ARG BASE
FROM $BASE
WORKDIR /app
COPY . .
ENV PYTHONDONTWRITEBYTECODE=1 GUNICORN_CMD_ARGS=--graceful-timeout=5
EXPOSE ${number}
CMD ${run}
`;
const api = `from flask import Flask
app = Flask(__name__)
edition = open("edition").read().strip()

@app.get("/")
def up():
    return edition
`;
/** Asks database and cache; the number of views is that of the tasks that have run. */
const base = `import os, redis, psycopg2
from flask import Flask
app = Flask(__name__)
edition = open("edition").read().strip()

def database():
    return psycopg2.connect(host="db", user="postgres", password="x", dbname="postgres", connect_timeout=5)

@app.get("/")
def up():
    redis.Redis(host="valkey").incr("asked")
    with database() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM done")
        return edition
`;
const manage = `import sys
from app import database
with database() as connection, connection.cursor() as cursor:
    cursor.execute("CREATE TABLE IF NOT EXISTS done (what text)")
    cursor.execute("INSERT INTO done VALUES (%s)", (" ".join(sys.argv[1:]),))
`;
const stayer = `import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    time.sleep(60)
`;
const caddyfile = `{
  admin off
  auto_https off
}
:80 {
${Object.entries(apis)
  .map(
    ([path, upstream]) =>
      `  handle_path /${path}* {\n    reverse_proxy ${upstream} {\n      transport http {\n        keepalive 2s\n      }\n    }\n  }\n`,
  )
  .join("")}}
`;

const image = (name: string) => `\${CI_REGISTRY_IMAGE}/${name}:\${CI_COMMIT_REF_SLUG:-latest}`;
const compose = `x-service: &service
  restart: always
services:
  gateway:
    <<: *service
    image: ${image("gateway")}
    ports: ["${port}:80"]
    links: ["web:base_api", "vcca_air_service:air_api", "farmer_web:farmer_api", "impact_dashboard_web:impact_api", comsol_dt_service]
  web:
    <<: *service
    image: ${image("base-api")}
    command: gunicorn --bind 0.0.0.0:8000 app:app
    links: [db, valkey]
    depends_on: [db, valkey]
  celery: { <<: *service, image: "${image("base-api")}", command: python3 stay.py celery -A app worker -B, links: [db, valkey] }
  scraping_india: { <<: *service, image: "${image("ml4-india")}" }
  scraping_nigeria: { <<: *service, image: "${image("ml4-nigeria")}" }
  impact_dashboard_web: { <<: *service, image: "${image("impact-dashboard-backend")}", links: [db] }
  impact_dashboard_scheduler: { <<: *service, image: "${image("impact-dashboard-backend-scheduler")}", command: python3 stay.py }
  vcca_air_service: { <<: *service, image: "${image("app-impact-reporting")}" }
  farmer_web: { <<: *service, image: "${image("farmers-dashboard-backend")}" }
  farmer_scheduler: { <<: *service, image: "${image("farmers-dashboard-backend-scheduler")}", command: python3 stay.py }
  comsol_dt_service: { <<: *service, image: "${image("comsol-dt")}", privileged: true, shm_size: 1g }
  db:
    <<: *service
    image: \${CI_REGISTRY}/library/postgres:15
    environment: { POSTGRES_PASSWORD: x }
    volumes: [data:/var/lib/postgresql/data]
    healthcheck: { test: pg_isready -q -h 127.0.0.1 -U postgres, interval: 20s, start_period: 30s, start_interval: 500ms }
  valkey: { <<: *service, image: "\${CI_REGISTRY}/library/valkey:8" }
volumes: { data: {} }
`;

const settings = `  production:
    branches: [main]
    host: \${PRODUCTION_SSH_HOST}
    fingerprint: \${PRODUCTION_SSH_FINGERPRINT}
    user: \${PRODUCTION_SSH_USER}
    private_key: \${PRODUCTION_SSH_PRIVATE_KEY}
    compose: ["docker-compose.yml"]
tasks:
  - { name: migrate, service: web, run: [python3, manage.py, migrate] }
  - { name: load_roles, service: web, run: [python3, manage.py, load_roles] }
  - { name: views_v1, service: web, run: [python3, manage.py, view, "1"] }
  - { name: views_v2, service: web, run: [python3, manage.py, view, "2"] }
`;

let own: Project;

beforeAll(async () => {
  own = await makeProject({
    name: project,
    compose: ["docker-compose.yml"],
    images: { ...contexts, ...Object.fromEntries(others.map((name) => [name, "./api"])) },
    files: {
      "docker-compose.yml": compose,
      "gateway/Dockerfile": `ARG BASE\nFROM $BASE\nCOPY Caddyfile /\nEXPOSE 80\nCMD ["caddy", "run", "--config", "/Caddyfile", "--adapter", "caddyfile"]\n`,
      "gateway/Caddyfile": caddyfile,
      "base/Dockerfile": dockerfile(8000, `["gunicorn", "app:app"]`),
      "base/app.py": base,
      "base/manage.py": manage,
      "base/stay.py": stayer,
      "base/edition": "1\n",
      "api/Dockerfile": dockerfile(5000, `["gunicorn", "--bind", "0.0.0.0:5000", "app:app"]`),
      "api/app.py": api,
      "api/stay.py": stayer,
      "api/edition": "1\n",
    },
    settings,
  });
  await onHost("production", clear);
  await own.plain("up", "--detach");
  await own.plain("exec", "-T", "db", "sh", "-c", "'until pg_isready -q -h 127.0.0.1 -U postgres; do sleep 0.2; done'");
  await own.plain("run", "--rm", "-T", "web", "python3", "manage.py", "plain");
});
const clear = `docker ps -aq --filter label=com.docker.compose.project=${project}-production | xargs -r docker rm -fv >&2
  docker network rm ${project}-production_default >/dev/null 2>&1; docker volume rm ${project}-production_data >/dev/null 2>&1
  rm -rf /home/deploy/.coldtivate/${project}-production`;
afterAll(async () => {
  await own.remove();
  await onHost("production", clear);
});

function ask(host: string, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get({ host, port, path: `/${path}`, agent: false, timeout: 20_000 }, (response) => {
      let text = "";
      response.on("data", (part) => (text += part)).once("close", () => resolve(response.statusCode === 200 ? text : undefined));
    });
    request.once("timeout", () => request.destroy()).once("error", () => resolve(undefined));
  });
}

const editions = async (host = stagingHost()) =>
  Object.fromEntries(await Promise.all(Object.keys(apis).map(async (path) => [path, await ask(host, path)])));
const all = (edition: string) => Object.fromEntries(Object.keys(apis).map((path) => [path, edition]));

/** Requests to each API that go on after a command: some two seconds of them. */
const further = 15;

/** Asks each API over and over, until after the command; tells for which ones some request failed. */
async function underLoad(act: () => Promise<Ran>): Promise<{ ran: Ran; failed: string[] }> {
  const ended = new AbortController();
  const failed = new Set<string>();
  const answers = new Map(Object.keys(apis).map((path) => [path, 0]));
  const asking = Object.keys(apis).map(async (path) => {
    while (!ended.signal.aborted) {
      if ((await ask(stagingHost(), path)) === undefined) failed.add(path);
      answers.set(path, answers.get(path)! + 1);
      await wait(100);
    }
  });
  try {
    const ran = await act();
    const before = new Map(answers);
    const least = () => Math.min(...[...answers].map(([path, count]) => count - before.get(path)!));
    await expect.poll(least, { timeout: 120_000 }).toBeGreaterThanOrEqual(further);
    return { ran, failed: [...failed].toSorted() };
  } finally {
    ended.abort();
    await Promise.all(asking);
  }
}

const serviceOf: Record<string, string> = {
  base: "web",
  air: "vcca_air_service",
  farmer: "farmer_web",
  impact: "impact_dashboard_web",
  comsol: "comsol_dt_service",
};

/** The APIs for which the plan announced a gap: their own, the gateway's, or that of what they ask. */
function announced({ output }: Ran): string[] {
  const gaps = output.split("\n").flatMap((line) => {
    const [, service] = /^\s+[~+] (\S+) +/.exec(line) ?? [];
    return service !== undefined && /\[recreate:|a gap/.test(line) ? [service] : [];
  });
  if (gaps.includes("gateway")) return Object.keys(apis).toSorted();
  return Object.entries(serviceOf)
    .filter(([path, service]) => gaps.includes(service) || (path === "base" && gaps.some((name) => name === "db" || name === "valkey")))
    .map(([path]) => path)
    .toSorted();
}

async function expectWithinPlan(act: () => Promise<Ran>): Promise<Ran> {
  const { ran, failed } = await underLoad(act);
  expect(ran.exitCode, ran.output).toBe(0);
  console.info(`requests failed to ${failed.join(", ") || "none"}; a gap was announced for ${announced(ran).join(", ") || "none"}`);
  expect(announced(ran)).toEqual(expect.arrayContaining(failed));
  return ran;
}

test("plain Compose's containers are taken over: every API answers, and its data is there", async () => {
  await expect.poll(() => editions(), { timeout: 30_000 }).toEqual(all("1"));
  const { output } = await expectWithinPlan(() => own.run("deploy", "staging"));
  for (const task of ["migrate", "load_roles", "views_v1", "views_v2"]) expect(output).toContain(`task ${task}`);
  expect(await editions()).toEqual(all("1"));
  const done = await onHost(
    "staging",
    `docker exec $(docker ps -qf name=${project}-staging-db-) psql -h 127.0.0.1 -U postgres -Atc 'SELECT what FROM done' postgresql://postgres:x@127.0.0.1/postgres`,
  );
  expect(done.split("\n")).toEqual(["plain", "migrate", "load_roles", "view 1", "view 2"]);
});

test("one API alone is released, with the singleton that has its image: the gateway, which nothing touches, reaches it", async () => {
  await own.change({ "base/edition": "2\n" });
  const { output } = await expectWithinPlan(() => own.run("deploy", "staging"));
  expect(output).toMatch(/~ web /);
  expect(output).not.toMatch(/~ (gateway|farmer_web|db|valkey) /);
  expect(await editions()).toEqual({ ...all("1"), base: "2" });
});

test("then all others", async () => {
  await own.change({ "api/edition": "3\n" });
  const { output } = await expectWithinPlan(() => own.run("deploy", "staging"));
  expect(output).not.toMatch(/~ (gateway|web|celery|db|valkey) /);
  expect(await editions()).toEqual({ ...all("3"), base: "2" });
});

test("a rollback has the others as they were", async () => {
  await expectWithinPlan(() => own.run("rollback", "staging"));
  expect(await editions()).toEqual({ ...all("1"), base: "2" });
});

test("production gets all of it, on a host where nothing ran", async () => {
  const { exitCode, output } = await own.run("deploy", "production");
  expect(exitCode, output).toBe(0);
  expect(await editions(productionHost())).toEqual({ ...all("3"), base: "2" });
});
