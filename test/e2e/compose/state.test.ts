// The tests build on each other: each goes on from where the one before it came to.
import { afterAll, beforeAll, expect, test } from "vitest";
import { onHost, stagingHost } from "../support/hosts.ts";
import { startLoad } from "../support/load/load.ts";
import { makeProject, type Project } from "../support/projects/compose-project.ts";
import { sandbox } from "../support/run.ts";

/** Takes requests, and writes what it is sent to a volume, where it notices whoever writes beside it. */
const web = `import fcntl, hashlib, json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if os.environ.get("FAULT"):
    sys.exit(7)
lock = open("/media/lock", "w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    open("/media/two", "w")


class Web(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, {"service": "web", "commit": os.environ["A"]})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        os.write(records, b"x")
        self.answer(200, {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()})

    def answer(self, status, told):
        content = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


records = os.open("/media/records", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
ThreadingHTTPServer(("", 8000), Web).serve_forever()
`;

/** Writes down that it had time to stop, which takes longer than the usual ten seconds where somebody wants that. */
const keep = `trap 'if [ -e /var/lib/keeper/slow ]; then rm /var/lib/keeper/slow; sleep 12; echo done >/var/lib/keeper/done; fi; exit 0' TERM
sleep infinity & wait
`;

const compose = `services:
  cache:
    image: \${CI_REGISTRY}/library/valkey:8
    ports: ["127.0.0.1:6390:6379"]
    environment: { A: "1" }
  keeper:
    image: \${CI_REGISTRY_IMAGE}/keeper:\${CI_COMMIT_REF_SLUG}
    init: true
    environment: { A: "1" }
  store:
    image: \${CI_REGISTRY_IMAGE}/store:\${CI_COMMIT_REF_SLUG}
    environment: { POSTGRES_PASSWORD: x, POSTGRES_DB: shop, A: "1" }
    volumes: ["rows:/var/lib/postgresql/data"]
    ports: ["127.0.0.1:5440:5432"]
    healthcheck: { test: [CMD, pg_isready, -q, -h, 127.0.0.1], interval: 20s, start_period: 60s, start_interval: 500ms }
  web:
    image: \${CI_REGISTRY_IMAGE}/web:\${CI_COMMIT_REF_SLUG}
    init: true
    environment: { A: "1" }
    volumes: ["media:/media"]
    ports: ["8145:8000"]
    healthcheck: { test: [CMD, curl, -fsS, "http://localhost:8000/"], interval: 20s, retries: 2, start_period: 20s, start_interval: 500ms }
volumes:
  media:
  rows:
`;

/** The second edition: each service has another variable, which makes another container of it. */
const second = compose.replaceAll('A: "1"', 'A: "2"').replace("    init: true\n", "    init: true\n    stop_grace_period: 1m\n");

let project: Project;

beforeAll(async () => {
  project = await makeProject({
    name: "state",
    compose: ["compose.yaml"],
    images: { keeper: "./keeper", store: "./store", web: "./web" },
    files: {
      "compose.yaml": compose,
      "keeper/Dockerfile": `ARG BASE\nFROM \${BASE}\nCOPY keep.sh /\nVOLUME /var/lib/keeper\nCMD ["sh", "/keep.sh"]\n`,
      "keeper/keep.sh": keep,
      "store/Dockerfile": `FROM ${sandbox()["CI_REGISTRY"]}/library/postgres:15\nLABEL edition=first\n`,
      "web/Dockerfile": `ARG BASE\nFROM \${BASE}\nCOPY web.py /\nCMD ["python3", "-u", "/web.py"]\n`,
      "web/web.py": web,
    },
  });
});
afterAll(() => project.remove());

const containerOf = (service: string) =>
  `$(docker ps -q --filter label=com.docker.compose.project=${project.project} --filter label=com.docker.compose.service=${service})`;

/** What was written: entries, a file's lines, rows. */
async function written(): Promise<string[]> {
  const commands = [
    `docker exec ${containerOf("cache")} valkey-cli llen queue`,
    `docker exec ${containerOf("keeper")} cat /var/lib/keeper/file`,
    `docker exec ${containerOf("store")} psql -U postgres -tA shop -c 'select count(*) from things'`,
  ];
  return (await onHost("staging", commands.join(" && "))).split("\n").map((line) => line.trim());
}

const all = ["2", "kept", "2"];
const running = () =>
  onHost("staging", `docker ps --filter label=com.docker.compose.project=${project.project} --format '{{.ID}} {{.Names}}' | sort`);

test("a first deploy that fails leaves plain containers, and what is in their volumes without a name, as they were", async () => {
  await project.plain("up", "-d", "--wait");
  await onHost(
    "staging",
    `docker exec ${containerOf("cache")} valkey-cli rpush queue one two >&2
     docker exec ${containerOf("keeper")} sh -c 'echo kept >/var/lib/keeper/file'
     docker exec ${containerOf("store")} psql -qU postgres shop -c 'create table things as select 1 union select 2'`,
  );
  const before = await running();
  await project.change({ "compose.yaml": second.replace('{ A: "2" }\n    volumes', '{ A: "2", FAULT: "yes" }\n    volumes') });
  const { exitCode, output } = await project.run("deploy", "staging");
  expect(exitCode, output).toBe(4);
  expect(output).toContain("starts again if it fails");
  expect(await running()).toBe(before);
  expect(await written()).toEqual(all);
});

test("the first deploy takes all of it over", async () => {
  await project.change({ "compose.yaml": compose });
  const { output } = await project.deploy();
  expect(output).toContain("[recreate: PostgreSQL, by what its image is built from: never two at once]");
  expect(output).toContain("[recreate: Valkey, by its image: never two at once]");
  expect(output).toMatch(/\[hold: port 8000, published; requests wait, because two would write to the volume media; rollout: blue-green/);
  expect(await written()).toEqual(all);
});

test("the next one replaces each service without losing anything, and what is held fails no request and never writes twice; one has the time to stop that its successor has", async () => {
  await onHost("staging", `docker exec ${containerOf("keeper")} touch /var/lib/keeper/slow`);
  await project.change({
    "compose.yaml": second,
    "store/Dockerfile": `FROM ${sandbox()["CI_REGISTRY"]}/library/postgres:15\nLABEL edition=second\n`,
  });
  const load = await startLoad({
    lanes: [{ name: "web", origin: `http://${stagingHost()}:8145`, protocol: "h1", requests: ["GET /version", "POST /receipt"] }],
    perSecond: 40,
  });
  await project.deploy();
  const { failures, examples, answered } = await load.stop();
  expect({ failures, examples }).toEqual({ failures: {}, examples: [] });
  expect(answered).toBeGreaterThan(50);
  expect(await onHost("staging", `docker exec ${containerOf("keeper")} cat /var/lib/keeper/done`)).toBe("done");
  expect(await written()).toEqual(all);
  expect(await onHost("staging", `docker exec ${containerOf("web-slot")} ls /media`)).toBe("lock\nrecords");
  const logs = await onHost("staging", `docker logs ${containerOf("store")} 2>&1`);
  expect(logs).toContain("database system was shut down at");
  expect(logs).not.toContain("not properly shut down");
});

test("neither a release that fails nor a rollback loses anything", async () => {
  await project.change({ "compose.yaml": compose.replace('{ A: "1" }\n    volumes', '{ A: "3", FAULT: "yes" }\n    volumes') });
  const { exitCode, output } = await project.run("deploy", "staging");
  expect(exitCode, output).toBe(4);
  expect(await written()).toEqual(all);
  const back = await project.run("rollback", "staging");
  expect(back.exitCode, back.output).toBe(0);
  expect(await written()).toEqual(all);
  expect(await onHost("staging", `docker exec ${containerOf("cache")} printenv A`)).toBe("1");
});
