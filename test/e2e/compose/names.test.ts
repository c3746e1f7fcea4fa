import { afterAll, beforeAll, expect, test } from "vitest";
import { onHost } from "../world.ts";
import { makeProject, type Project } from "./project.ts";

const dockerfile = `ARG BASE
FROM $BASE
ARG EDITION=1
COPY edition /edition
STOPSIGNAL SIGKILL
CMD ["sleep", "infinity"]
`;

/** `web` has no port that anybody knows, so that it is replaced in place; the gateway knows it by another name. */
const compose = `services:
  gateway:
    image: \${CI_REGISTRY_IMAGE}/gateway:\${CI_COMMIT_REF_SLUG:-latest}
    links: ["web:base_api", "workers:pool"]
  web:
    image: \${CI_REGISTRY_IMAGE}/web:\${CI_COMMIT_REF_SLUG:-latest}
    links: [db]
    environment: { GREETING: hello }
  workers:
    image: \${CI_REGISTRY_IMAGE}/web:\${CI_COMMIT_REF_SLUG:-latest}
    scale: 2
  db:
    image: \${CI_REGISTRY_IMAGE}/web:\${CI_COMMIT_REF_SLUG:-latest}
    container_name: names_db
  vpn:
    image: \${CI_REGISTRY_IMAGE}/gateway:\${CI_COMMIT_REF_SLUG:-latest}
    environment: { ROUTE: "1" }
  crawler:
    image: \${CI_REGISTRY_IMAGE}/gateway:\${CI_COMMIT_REF_SLUG:-latest}
    network_mode: service:vpn
`;

let project: Project;

beforeAll(async () => {
  project = await makeProject({
    name: "names",
    compose: ["docker-compose.yml"],
    images: { gateway: "./gateway", web: "./web" },
    files: {
      "docker-compose.yml": compose,
      "gateway/Dockerfile": dockerfile,
      "gateway/edition": "1",
      "web/Dockerfile": dockerfile,
      "web/edition": "1",
    },
    settings: `tasks:\n  - { name: look, service: web, run: [getent, hosts, db, names_db] }\n`,
  });
  await project.plain("up", "--detach");
});
afterAll(() => project.remove());

/** Which running container answers to each name that the gateway knows. */
async function resolve(): Promise<Record<string, string>> {
  const names = [
    "base_api",
    "web",
    "web-1",
    "names-staging-web-1",
    "pool",
    "workers",
    "names-staging-workers-1",
    "names-staging-workers-2",
    "names_db",
  ];
  const output = await onHost(
    "staging",
    `addresses=$(docker ps -q --filter label=com.docker.compose.project=names-staging | xargs docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}} {{index .Config.Labels "com.docker.compose.service"}}')
     for name in ${names.join(" ")}; do
       address=$(docker exec names-staging-gateway-1 getent hosts $name | awk '{ print $1; exit }')
       echo "$name $(awk -v address="\${address:--}" '$1 == address { print $2 }' <<<"$addresses")"
     done`,
  );
  return Object.fromEntries(output.split("\n").map((line) => line.split(" ") as [string, string]));
}

const right = {
  base_api: "web",
  web: "web",
  "web-1": "web",
  "names-staging-web-1": "web",
  pool: "workers",
  workers: "workers",
  "names-staging-workers-1": "workers",
  "names-staging-workers-2": "workers",
  names_db: "db",
};

const idOf = (name: string) => onHost("staging", `docker inspect --format '{{.Id}}' ${name}`);

/** The network namespaces of two containers. */
const namespaces = (...names: string[]) =>
  onHost("staging", `for name in ${names.join(" ")}; do readlink /proc/$(docker inspect --format '{{.State.Pid}}' $name)/ns/net; done`);

test("whatever name the gateway knew, it knows when coldtivate has taken over; a task finds the new database", async () => {
  expect(await resolve()).toEqual(right);
  const { output } = await project.deploy();
  expect(output).toContain("task look");
  expect(await resolve()).toEqual(right);
});

test("what a service that was replaced in place is called, and linked as, leads to its successor", async () => {
  const [gateway, web] = [await idOf("names-staging-gateway-1"), await idOf("names-staging-web-1")];
  await project.change({ "docker-compose.yml": compose.replace("hello", "hi") });
  const { output } = await project.deploy();
  expect(output).not.toMatch(/[~+] (gateway|db|workers|vpn) /);
  expect(await idOf("names-staging-gateway-1")).toBe(gateway);
  expect(await idOf("names-staging-web-1")).not.toBe(web);
  expect(await resolve()).toEqual(right);
});

test("so do the names of one that is scaled, and back", async () => {
  await project.change({ "docker-compose.yml": compose.replace("scale: 2", "scale: 3") });
  await project.deploy();
  expect(await resolve()).toEqual(right);
  await project.change({ "docker-compose.yml": compose.replace("hello", "good day") });
  await project.deploy();
  expect(await resolve()).toEqual(right);
});

test("what shares another one's network is replaced with it, and has a network", async () => {
  const { stdout: plan } = await project.run("deploy", "staging", "--dry-run");
  expect(plan).not.toContain("crawler");
  await project.change({ "docker-compose.yml": compose.replace('ROUTE: "1"', 'ROUTE: "2"') });
  const { output } = await project.deploy();
  expect(output).toMatch(/~ crawler +is replaced with vpn/);
  const [vpn, crawler] = (await namespaces("names-staging-vpn-1", "names-staging-crawler-1")).split("\n");
  expect(crawler).toBe(vpn);
  expect(await resolve()).toEqual(right);
});

test("both come back together, and all names lead where they did, when a release is undone and after a rollback", async () => {
  const broken = compose
    .replace('ROUTE: "1"', 'ROUTE: "3"')
    .replace("    network_mode: service:vpn", '    network_mode: service:vpn\n    command: ["false"]\n    restart: always');
  await project.change({ "docker-compose.yml": broken });
  const failed = await project.run("deploy", "staging");
  expect(failed.exitCode, failed.output).toBe(4);
  const check = async () => {
    const [vpn, crawler] = (await namespaces("names-staging-vpn-1", "names-staging-crawler-1")).split("\n");
    expect(crawler).toBe(vpn);
    expect(await resolve()).toEqual(right);
  };
  await check();
  const { exitCode, output } = await project.run("rollback", "staging");
  expect(exitCode, output).toBe(0);
  await check();
});
