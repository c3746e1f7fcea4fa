// The tests build on each other: each goes on from where the one before it came to.
import { afterAll, beforeAll, expect, test } from "vitest";
import { onHost } from "../support/hosts.ts";
import { makeProject, type Project } from "../support/projects/compose-project.ts";

const dockerfile = `ARG BASE
FROM $BASE
COPY edition server.py /
STOPSIGNAL SIGKILL
CMD ["python3", "/server.py"]
`;
const server = `import http.server
http.server.ThreadingHTTPServer(("", 8000), http.server.SimpleHTTPRequestHandler).serve_forever()
`;

/** What follows `web` asks it once, as it starts. */
const asks = "curl -s http://web:8000/edition >/seen; exec sleep infinity";

/** Each line of the ledger says what ran, or began, in which edition; `init` comes before `migrate`, and that before `web`. */
const compose = (migrate = "echo migrate $$(cat /edition) >>/ledger/lines", follower = asks) => `x-app: &app
  image: \${CI_REGISTRY_IMAGE}/app:\${CI_COMMIT_REF_SLUG:-latest}
  volumes: [ledger:/ledger]
services:
  init:
    <<: *app
    image: \${CI_REGISTRY_IMAGE}/tools:\${CI_COMMIT_REF_SLUG:-latest}
    restart: "no"
    command: sh -c "sleep 1; echo init >>/ledger/lines"
  migrate:
    <<: *app
    restart: "no"
    depends_on: { init: { condition: service_completed_successfully } }
    command: sh -c ${JSON.stringify(migrate)}
  web:
    <<: *app
    command: sh -c "echo web $$(cat /edition) >>/ledger/lines; exec python3 /server.py"
    expose: ["8000"]
    depends_on: { migrate: { condition: service_completed_successfully } }
    healthcheck: { test: "curl -fs http://localhost:8000/edition", interval: 20s, start_period: 20s, start_interval: 500ms }
  follower:
    image: \${CI_REGISTRY_IMAGE}/tools:\${CI_COMMIT_REF_SLUG:-latest}
    restart: always
    command: sh -c ${JSON.stringify(follower)}
    depends_on: { web: { condition: service_healthy, restart: true } }
volumes: { ledger: {} }
`;

let project: Project;

beforeAll(async () => {
  project = await makeProject({
    name: "oneshot",
    compose: ["docker-compose.yml"],
    images: { app: "./app", tools: "./tools" },
    files: {
      "docker-compose.yml": compose("sleep 4; echo no such table; exit 7"),
      "app/Dockerfile": dockerfile,
      "app/edition": "1\n",
      "app/server.py": server,
      "tools/Dockerfile": dockerfile,
      "tools/edition": "1\n",
      "tools/server.py": server,
    },
    settings: "services:\n  web: { rollout: blue-green }\n",
  });
});
afterAll(() => project.remove());

const ledger = async () =>
  (await onHost("staging", `cat $(docker volume inspect --format '{{.Mountpoint}}' oneshot-staging_ledger)/lines`)).split("\n");

/** What answered the follower as it started, and which container that is. */
const follower = () =>
  onHost("staging", "docker exec oneshot-staging-follower-1 cat /seen; docker inspect --format '{{.Id}}' oneshot-staging-follower-1");

const containers = () =>
  onHost(
    "staging",
    `docker ps -a --filter label=com.docker.compose.project=oneshot-staging --format '{{.Label "com.docker.compose.service"}} {{.State}}' | sort`,
  );

test("what waits for a service that ends badly is not started; all is undone, and its last lines are shown", async () => {
  const { exitCode, output } = await project.run("deploy", "staging");
  expect(exitCode, output).toBe(4);
  expect(output).toContain("migrate exited with 7");
  expect(output).toContain("no such table");
  expect(await ledger()).toEqual(["init"]);
  expect(await containers()).toBe("");
});

test("each runs to its end before what waits for it", async () => {
  await project.change({ "docker-compose.yml": compose() });
  const { output } = await project.deploy();
  expect(output).toMatch(/\+ migrate .*\[once: runs to its end before web\]/);
  expect(await ledger()).toEqual(["init", "init", "migrate 1", "web 1"]);
  expect(await containers()).toBe("follower running\ninit exited\nmigrate exited\nweb running\nweb-blue running");
  expect(await follower()).toMatch(/^1\n/);
  const status = await project.run("status", "staging");
  expect(status.exitCode, status.output).toBe(0);
});

test("a new image has the one run again that uses it, and not the other one; what restarts with the service finds the new one", async () => {
  await project.change({ "app/edition": "2\n" });
  const { output } = await project.deploy();
  expect(output).toMatch(/~ follower +is replaced with web/);
  expect(await follower()).toMatch(/^2\n/);
  expect((await ledger()).slice(4)).toEqual(["migrate 2", "web 2"]);
});

test("a rollback runs none of them, and neither does a deploy that changes none, whose containers are gone", async () => {
  const { exitCode, output } = await project.run("rollback", "staging");
  expect(exitCode, output).toBe(0);
  expect((await ledger()).slice(6)).toEqual(["web 1"]);
  const back = await follower();
  expect(back).toMatch(/^1\n/);
  await onHost("staging", "docker container prune -f");
  await project.change({ "app/edition": "1\n", "README.md": "words\n" });
  await project.deploy();
  expect(await ledger()).toHaveLength(7);
  expect(await follower()).toBe(back);
});

test("one that fails later leaves what served, and is not run again as it was", async () => {
  await project.change({ "docker-compose.yml": compose("echo cannot; exit 3") });
  const { exitCode, output } = await project.run("deploy", "staging");
  expect(exitCode, output).toBe(4);
  expect(output).toContain("migrate exited with 3");
  expect(await ledger()).toHaveLength(7);
  expect(await containers()).toMatch(/web running\nweb-(blue|green) running$/);
});

test("what restarts with a service comes back with it when it fails once that has switched", async () => {
  await project.change({ "docker-compose.yml": compose(undefined, "exit 1"), "app/edition": "3\n" });
  const { exitCode, output } = await project.run("deploy", "staging");
  expect(exitCode, output).toBe(4);
  expect(await containers()).toMatch(/^follower running\n/);
  expect(await onHost("staging", "docker exec oneshot-staging-follower-1 curl -s http://web:8000/edition")).toBe("1");
});
