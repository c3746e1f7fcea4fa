// The tests build on each other: each goes on from where the one before it came to.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { expectRest, readContainers, replaceDocker } from "../support/host-state.ts";
import { ask, onHost, stagingHost } from "../support/hosts.ts";
import { startLoad } from "../support/load/load.ts";
import { hostFolder } from "../support/machines.ts";
import { makeProject, type Project } from "../support/projects/compose-project.ts";
import { top } from "../support/repository.ts";
import { must } from "../support/run.ts";

const port = 8131;

const composeYml = (changed: { command?: string; network?: string } = {}) => `
x-service: &service
  image: \${CI_REGISTRY_IMAGE}/web:\${CI_COMMIT_REF_SLUG}
  init: true
  restart: always
services:
  web:
    <<: *service
    command: ${changed.command ?? "[python3, -u, /web/edition.py]"}
    ports: ["${port}:8000"]
    healthcheck: { test: [CMD, curl, -fsS, "http://localhost:8000/version"], interval: 20s, retries: 2, start_period: 20s, start_interval: 500ms }
  ledger:
    <<: *service
    command: [sh, -c, "cat /web/edition >>/ledger/editions; exec sleep infinity"]
    stop_grace_period: 1s
    volumes: ["pages:/ledger"]
networks:
  default: { labels: { color: "${changed.network ?? "red"}" } }
volumes:
  pages:
`;

/** Answers in the way that the load asks. */
const editionPy = `
import hashlib, http.server, json

class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, content):
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        self.answer(json.dumps({"service": "web", "commit": open("/web/edition").read().strip()}).encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(json.dumps({"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}).encode())

    def log_message(self, *words):
        pass

http.server.ThreadingHTTPServer(("", 8000), Web).serve_forever()
`;

const edition = (name: string) => ({ "web/edition": `${name}\n` });

let project: Project;
/** Engine and image store. */
let made: string[];
/** The image of the first release. */
let first: string;

beforeAll(async () => {
  made = (await readFile(join(hostFolder(), "../engine"), "utf8")).trim().split(" ");
  project = await makeProject({
    name: "engines",
    images: { web: "./web" },
    compose: ["docker-compose.yml"],
    files: {
      "docker-compose.yml": composeYml(),
      "web/Dockerfile": "ARG BASE\nFROM ${BASE}\nCOPY . /web\n",
      "web/edition.py": editionPy,
    },
    settings: "keep_releases: 2\nservices:\n  web: { healthy_within: 15s }\n",
  });
  await removeImages();
  await project.change(edition("plain"));
});
afterAll(async () => {
  await project?.remove();
  await removeImages();
});

/** What a run that was broken off left, too: the same files make the same images. */
async function removeImages(): Promise<void> {
  const all = "docker image ls --all --digests --format '{{.Repository}}@{{.Digest}}' | grep /test/engines/web@sha256 | sort -u";
  await onHost("staging", `${all} | xargs -r docker image rm --force >&2`);
}

const serving = async () => (await ask(`${stagingHost()}:${port}`, "version"))?.["commit"];
const editionsKept = () => onHost("staging", "cat /var/lib/docker/volumes/engines-staging_pages/_data/editions");
const containersOf = "docker ps -a --no-trunc --filter label=com.docker.compose.project=engines-staging";
const imageOf = (service: string) =>
  onHost(
    "staging",
    `${containersOf} -q --filter label=com.docker.compose.service=${service} | xargs docker inspect --format '{{.Config.Image}}'`,
  );

/** Images of the project that the host has, by digest. */
const images = async () =>
  (await onHost("staging", "docker image ls --all --digests --format '{{.Repository}}@{{.Digest}}' | grep /test/engines/web || true"))
    .split("\n")
    .filter((image) => image.includes("@sha256:"))
    .toSorted();

/** Deploys another edition of both services; the image that runs. */
async function release(name: string): Promise<string> {
  await project.change(edition(name));
  await project.deploy();
  expect(await serving()).toBe(name);
  return imageOf("ledger");
}

const loadWeb = () =>
  startLoad({
    lanes: [{ name: "web", origin: `http://${stagingHost()}:${port}`, protocol: "h1", requests: ["GET /version", "POST /receipt"] }],
    perSecond: 50,
  });

/** Does something while requests come; not one may fail. */
async function losingNothing(work: () => Promise<unknown>): Promise<void> {
  const load = await loadWeb();
  await work();
  const { answered, failures, examples } = await load.stop();
  expect({ failures, examples }).toEqual({ failures: {}, examples: [] });
  expect(answered).toBeGreaterThan(50);
}

test("the host has the engine and the image store that the sandbox was made with", async () => {
  const facts = "docker version --format '{{.Server.Version}}'; docker compose version --short; docker info --format '{{.Driver}}'";
  const [version, compose, driver] = (await onHost("staging", facts)).split("\n");
  console.info({ version, compose, driver });
  const found = [Number(version!.split(".")[0]) >= 28 ? "next" : "current", driver === "overlayfs" ? "containerd" : "graph"];
  expect(found).toEqual(made);
});

test("a first release that fails has the very containers of plain Compose serve again", async () => {
  await project.plain("up", "--detach", "--wait");
  expect(await serving()).toBe("plain");
  const containers = () => onHost("staging", `${containersOf} --format '{{.ID}} {{.Names}} {{.State}}' | sort`);
  const before = await containers();
  await project.change({ "docker-compose.yml": composeYml({ command: '[sh, -c, "exit 7"]' }) });
  const { exitCode, output } = await project.run("deploy", "staging");
  expect(exitCode, output).toBe(4);
  await expect.poll(serving, { timeout: 20_000 }).toBe("plain");
  expect(await containers()).toBe(before);
});

test("what runs under plain Compose is taken over, and keeps its data", async () => {
  await project.change({ "docker-compose.yml": composeYml() });
  first = await release("first");
  expect(await editionsKept()).toMatch(/^plain\n(plain\n)*first$/);
  const names = await onHost("staging", `${containersOf} --format '{{.Names}}' | sort`);
  expect(names.split("\n")).toEqual(["ledger", "web", "web-blue"].map((name) => `engines-staging-${name}-1`));
  await expectRest("staging", project.project);
});

test("a release loses no request", async () => {
  await losingNothing(async () => {
    expect(await release("second")).not.toBe(first);
  });
});

test("a release that fails is undone, and loses none", async () => {
  const before = await readContainers("staging", project.project);
  await project.change({ "docker-compose.yml": composeYml({ command: '[sh, -c, "exit 7"]' }) });
  await losingNothing(async () => {
    const { exitCode, output } = await project.run("deploy", "staging");
    expect(exitCode, output).toBe(4);
    expect(output).toContain("exited with 7");
  });
  expect(await serving()).toBe("second");
  expect(await readContainers("staging", project.project)).toBe(before);
});

test("a rollback needs nothing but the host, and loses none", async () => {
  // Docker 29 lists images without a tag only where all are asked for.
  await replaceDocker("staging", 'case " $* " in *" --all "*) ;; " image ls "*) exit 0 ;; esac');
  // With containerd's store an image is listed under one of its names.
  await onHost("staging", `docker tag ${first} bystander:kept`);
  await losingNothing(async () => {
    const { exitCode, output } = await project.run("rollback", "staging");
    expect(exitCode, output).toBe(0);
    expect(output).not.toContain("no longer has images");
  });
  expect([await serving(), await imageOf("ledger")]).toEqual(["first", first]);
  await project.change({ "docker-compose.yml": composeYml() });
  await expectRest("staging", project.project);
});

test("images that only removed releases had go with them; a name that somebody else gave one stays", async () => {
  onTestFinished(async () => void (await onHost("staging", "docker image rm bystander:kept")));
  const third = await release("third");
  const fourth = await release("fourth");
  expect(await images()).toEqual([third, fourth].toSorted());
  expect(await onHost("staging", "docker run --rm bystander:kept cat /web/edition")).toBe("first");
});

test("images that do not fit on the disk where this store has them are not pulled", async () => {
  await project.change(edition("large"));
  const df = "/usr/local/bin/df";
  await onHost("staging", `printf '#!/bin/sh\\nprintf "Avail\\\\n50000000\\\\n"\\n' >${df} && chmod 755 ${df}`);
  onTestFinished(async () => void (await onHost("staging", `rm ${df}`)));
  const { exitCode, output } = await project.run("deploy", "staging");
  expect(exitCode, output).toBe(3);
  expect(output).toContain(`48 MiB are free at /var/lib/${made[1] === "containerd" ? "containerd" : "docker"}`);
  expect(await serving()).toBe("fourth");
});

test("a network that is defined in another way stays, with all that is on it", async () => {
  const network = () => onHost("staging", "docker network inspect engines-staging_default --format '{{.Id}} {{index .Labels \"color\"}}'");
  const before = await network();
  await project.change({ "docker-compose.yml": composeYml({ network: "green" }) });
  await losingNothing(async () => {
    const { output } = await project.deploy();
    expect(output).toContain("network default stays as it was made");
  });
  expect(await network()).toBe(before);
  expect(await serving()).toBe("large");

  // Where nothing remembers how it was made, it stays all the same.
  await onHost("staging", "sed -i 's/green/blue/; s/red/green/' /home/deploy/.coldtivate/engines-staging/current/manifest.json");
  await project.deploy();
  expect(await network()).toBe(before);
  await expectRest("staging", project.project);
});

test("after a power cut all is as it was", async () => {
  for (const verb of ["power-off", "power-on"])
    await must("bash", ["scripts/sandbox.sh", verb, "--net", inject("net"), "staging"], { cwd: top });
  await expect.poll(serving, { timeout: 60_000 }).toBe("large");
  await expectRest("staging", project.project);
  const { output } = await project.deploy();
  expect(output).toContain("nothing to do");
});
