// The tests build on each other: each goes on from where the one before it came to.
import { afterAll, beforeAll, expect, test } from "vitest";
import { onHost } from "../support/hosts.ts";
import { makeProject, type Project } from "../support/projects/compose-project.ts";

const dockerfile = `ARG BASE
FROM $BASE
ARG EDITION=1
COPY edition /edition
STOPSIGNAL SIGKILL
CMD ["sleep", "infinity"]
`;

/**
 * `web` has no port that anybody knows, so that it is replaced in place; the gateway knows it by another name. What the vpn has
 * is shared by some: by one that others make, too, and by some over another one.
 */
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
    ipc: shareable
    volumes: ["leases:/leases"]
  crawler:
    image: \${CI_REGISTRY_IMAGE}/gateway:\${CI_COMMIT_REF_SLUG:-latest}
    network_mode: service:vpn
  talker:
    image: \${CI_REGISTRY}/debian:bookworm-slim
    command: [sleep, infinity]
    stop_signal: SIGKILL
    ipc: service:vpn
  reader:
    image: \${CI_REGISTRY_IMAGE}/gateway:\${CI_COMMIT_REF_SLUG:-latest}
    volumes_from: [vpn]
  watcher:
    image: \${CI_REGISTRY_IMAGE}/gateway:\${CI_COMMIT_REF_SLUG:-latest}
    pid: service:reader
  follower:
    image: \${CI_REGISTRY_IMAGE}/gateway:\${CI_COMMIT_REF_SLUG:-latest}
    depends_on: { crawler: { condition: service_started, restart: true } }
volumes: { leases: {} }
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

const together = ["vpn", "crawler", "talker", "reader", "watcher", "follower"];

/** Containers by service, of those that are replaced with the vpn, and of all others. */
async function idsByService(): Promise<{ shared: Record<string, string>; others: Record<string, string> }> {
  const format = '{{index .Config.Labels "com.docker.compose.service"}} {{.Name}} {{.Id}}';
  const lines = await onHost(
    "staging",
    `docker ps -aq --filter label=com.docker.compose.project=names-staging | xargs docker inspect --format '${format}' | sort`,
  );
  const ids = { shared: {} as Record<string, string>, others: {} as Record<string, string> };
  for (const line of lines.split("\n")) {
    const [service = "", name = "", id = ""] = line.split(" ");
    ids[together.includes(service) ? "shared" : "others"][name] = id;
  }
  return ids;
}

/** What is shared is that of a container that is there: namespaces, a volume, and who started after whom. */
async function expectShared(): Promise<void> {
  const output = await onHost(
    "staging",
    `of() { readlink /proc/$(docker inspect --format '{{.State.Pid}}' names-staging-$1-1)/ns/$2; }
     for service in vpn crawler; do of $service net; done
     for service in vpn talker; do of $service ipc; done
     for service in reader watcher; do of $service pid; done
     for service in vpn reader; do docker inspect --format '{{range .Mounts}}{{.Name}} {{.Destination}}{{end}}' names-staging-$service-1; done
     for service in crawler follower; do docker inspect --format '{{.State.Status}} {{.State.StartedAt}}' names-staging-$service-1; done`,
  );
  const [net, nets, ipc, ipcs, pid, pids, volume, volumes, crawler = "", follower = ""] = output.split("\n");
  expect([nets, ipcs, pids, volumes]).toEqual([net, ipc, pid, volume]);
  expect(volume).toBe("names-staging_leases /leases");
  expect(follower > crawler && crawler.startsWith("running ") && follower.startsWith("running "), `${crawler}\n${follower}`).toBe(true);
}

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

/** As it was deployed last. */
const served = compose.replace("hello", "good day");

test("what shares a container, or restarts with it, is replaced with it, over others, too; nothing else is", async () => {
  const { stdout: plan } = await project.run("deploy", "staging", "--dry-run");
  expect(plan).not.toContain("crawler");
  const before = await idsByService();
  await project.change({ "docker-compose.yml": served.replace('ROUTE: "1"', 'ROUTE: "2"') });
  const { output } = await project.deploy();
  expect(output).toMatch(/~ crawler +is replaced with vpn/);
  expect(output).toMatch(/~ watcher +is replaced with reader/);
  const after = await idsByService();
  expect(after.others).toEqual(before.others);
  expect(Object.keys(after.shared)).toEqual(together.map((service) => `/names-staging-${service}-1`).toSorted());
  expect(Object.values(after.shared).filter((id) => Object.values(before.shared).includes(id))).toEqual([]);
  await expectShared();
  expect(await resolve()).toEqual(right);
});

test("all come back together, and all names lead where they did, when a release is undone and after a rollback", async () => {
  const before = await idsByService();
  const broken = served
    .replace('ROUTE: "1"', 'ROUTE: "3"')
    .replace("    network_mode: service:vpn", '    network_mode: service:vpn\n    command: ["false"]\n    restart: always');
  await project.change({ "docker-compose.yml": broken });
  const failed = await project.run("deploy", "staging");
  expect(failed.exitCode, failed.output).toBe(4);
  await expectShared();
  expect(await resolve()).toEqual(right);
  const { exitCode, output } = await project.run("rollback", "staging");
  expect(exitCode, output).toBe(0);
  await expectShared();
  expect(await resolve()).toEqual(right);
  expect((await idsByService()).others).toEqual(before.others);
});
