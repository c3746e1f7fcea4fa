// The tests build on each other: each goes on from where the one before it came to.
import { afterAll, beforeAll, expect, test } from "vitest";
import { onHost } from "../support/hosts.ts";
import { makeProject, type Project } from "../support/projects/compose-project.ts";

/** A service, a task, and what is external. */
const compose = (more = "") => `
services:
  web:
    image: \${CI_REGISTRY_IMAGE}/web:\${CI_COMMIT_REF_SLUG}
    command: [sh, -c, "exec sleep infinity"]
    environment: { EDITION: "1" }
    volumes: ["marks:/marks"]
    init: true
${more}
volumes: { marks: {} }
`;

let project: Project;

beforeAll(async () => {
  project = await makeProject({
    name: "hoststest",
    images: { web: "./web" },
    compose: ["docker-compose.yml"],
    settings: `
tasks:
  - { name: mark, service: web, run: [sh, -c, "echo ran >>/marks/runs"] }
  - { name: always, service: web, run: [sh, -c, "echo ran >>/marks/always"], when: always }
`,
    files: {
      "web/Dockerfile": "ARG BASE\nFROM ${BASE}\nRUN echo 1 >/version\n",
      "docker-compose.yml": compose(),
    },
  });
});
afterAll(() => project?.remove());

const count = async (file: string) =>
  Number(
    await onHost(
      "staging",
      `docker exec $(docker ps -q --filter label=com.docker.compose.project=${project.project} | head -n 1) sh -c 'wc -l </marks/${file}'`,
    ),
  );

/** sshd of staging with other settings, for the time of a test. */
async function withSshd(lines: string, action: () => Promise<void>): Promise<void> {
  // It has read them once it listens anew: on another socket.
  const listening = `awk '$2 ~ /:0016$/ && $4 == "0A" { print $10 }' /proc/net/tcp`;
  const reload = `before=$(${listening}); pkill -HUP -o -x sshd
    for i in $(seq 200); do now=$(${listening}); [ -n "$now" ] && [ "$now" != "$before" ] && break; sleep 0.05; done`;
  const file = "$(ps -o args= -C sshd | grep -oE -- '-f *[^ ]+' | head -n 1 | sed 's/-f *//')";
  await onHost(
    "staging",
    `f=${file}; f=\${f:-/etc/ssh/sshd_config}; cp "$f" "$f.kept"; { echo '${lines}'; cat "$f.kept"; } >"$f"; ${reload}`,
  );
  try {
    await action();
  } finally {
    await onHost("staging", `f=${file}; f=\${f:-/etc/ssh/sshd_config}; mv "$f.kept" "$f"; ${reload}`);
  }
}

test("a task runs, is left out while it is what it was, and runs again when its image changes; with always it runs each time", async () => {
  await project.deploy();
  expect([await count("runs"), await count("always")]).toEqual([1, 1]);
  const first = (await onHost("staging", `readlink ${project.state}/current`)).trim().replace("releases/", "");

  await project.change({ "docker-compose.yml": compose("    labels: { other: label }") });
  const second = await project.deploy();
  expect(second.output).toContain(`task mark: unchanged since ${first}`);
  expect([await count("runs"), await count("always")]).toEqual([1, 2]);

  await project.change({ "web/Dockerfile": "ARG BASE\nFROM ${BASE}\nRUN echo 2 >/version\n" });
  const third = await project.deploy();
  expect(third.output).not.toContain("unchanged since");
  expect([await count("runs"), await count("always")]).toEqual([2, 3]);
});

test("after docker system prune -af a rollback pulls what it needs by digest, and runs no task", async () => {
  await onHost("staging", "docker system prune -af >&2");
  const dry = await project.run("rollback", "staging", "--dry-run");
  expect(dry.output).toMatch(/no longer has images of that release, and pulls them: \S+web\S*@sha256:/);
  const { exitCode, output } = await project.run("rollback", "staging");
  expect(exitCode, output).toBe(0);
  expect([await count("runs"), await count("always")]).toEqual([2, 3]);
});

test("with MaxSessions 1, and a shell that greets everybody, a deploy and a status work", async () => {
  const file = "/home/deploy/.bashrc";
  await onHost("staging", `cp ${file} ${file}.kept; { echo 'echo "Welcome to staging!"; printf "> "'; cat ${file}.kept; } >${file}`);
  try {
    await withSshd("MaxSessions 1", async () => {
      await project.change({ "docker-compose.yml": compose("    labels: { other: one }") });
      await project.deploy();
      const { exitCode, stdout, output } = await project.run("status", "staging");
      expect(exitCode, output).toBe(0);
      expect(stdout).toMatch(/^staging on \S+: release \S+, commit/);
    });
  } finally {
    await onHost("staging", `mv ${file}.kept ${file}; chown deploy: ${file}`);
  }
});

test("with MaxSessions 0 it is said in a sentence", async () => {
  await withSshd("MaxSessions 0", async () => {
    const { exitCode, output } = await project.run("deploy", "staging");
    expect(output).toContain("its sshd lets no command run");
    expect(exitCode).toBe(3);
  });
});

test("an engine that a context names is used throughout", async () => {
  const socket = "/var/run/other.sock";
  const asDeploy = (command: string) => `su deploy -c "${command}" >&2`;
  await onHost(
    "staging",
    `mv /var/run/docker.sock ${socket}
     ${asDeploy(`docker context create other --docker host=unix://${socket} && docker context use other`)}`,
  );
  try {
    await project.change({ "web/Dockerfile": "ARG BASE\nFROM ${BASE}\nRUN echo 3 >/version\n" });
    const { output } = await project.deploy();
    expect(output).toMatch(/pulled web@sha256/);
    const status = await project.run("status", "staging");
    expect(status.exitCode, status.output).toBe(0);
    expect(status.output).toMatch(/web.*running|web.*Up/);
  } finally {
    await onHost("staging", `mv ${socket} /var/run/docker.sock; ${asDeploy("docker context use default && docker context rm other")}`);
  }
});

test("a login shell that refuses is named", async () => {
  for (const shell of ["/usr/sbin/nologin", "/bin/false"]) {
    await onHost("staging", `usermod --shell ${shell} deploy`);
    try {
      const { exitCode, output } = await project.run("deploy", "staging");
      expect(output).toContain("login shell runs no commands");
      expect(exitCode).toBe(3);
    } finally {
      await onHost("staging", "usermod --shell /bin/bash deploy");
    }
  }
});

test("a health check that comes late is told before anybody waits for it", async () => {
  const check = '    healthcheck: { test: [CMD, "true"], interval: 65s }';
  await project.change({ "docker-compose.yml": compose(check) });
  const { output } = await project.deploy("--dry-run");
  expect(output).toContain("web: its first health check comes 65 s after the start, so that it takes at least that long");
});

test("what is missing is refused before the pull: external networks and volumes with the commands that make them, files by their paths", async () => {
  const folder = "/opt/hoststest";
  const more = `    networks: [proxy]
    secrets: [token]
    configs: [settings]
`;
  await project.change({
    "web/Dockerfile": "ARG BASE\nFROM ${BASE}\nRUN echo 4 >/version\n",
    "docker-compose.yml": `${compose(more)
      .replace('["marks:/marks"]', `["marks:/marks", "kept:/kept", "${folder}/app.conf:/etc/app.conf:ro"]`)
      .replace("marks: {} }", "marks: {}, kept: { external: true, name: hoststest-kept } }")}
networks: { proxy: { external: true, name: hoststest-proxy } }
secrets: { token: { file: ${folder}/token.txt } }
configs: { settings: { file: ${folder}/settings.yml } }
`,
  });
  const look = () =>
    onHost(
      "staging",
      `ls ${project.state}/releases ${project.state}/files; docker image ls -aq --no-trunc | sort; docker ps -aq --no-trunc`,
    );
  const before = await look();
  const since = (await onHost("staging", "date +%s")).trim();
  const absent = await project.run("deploy", "staging");
  expect(absent.output).toContain("network hoststest-proxy does not exist; used by web");
  expect(absent.output).toContain("volume hoststest-kept does not exist; used by web");
  expect(absent.output).toMatch(/`docker network create hoststest-proxy`.*`docker volume create hoststest-kept`/);
  expect(absent.exitCode).toBe(3);
  await onHost("staging", "docker network create hoststest-proxy >&2; docker volume create hoststest-kept >&2");
  try {
    const missing = await project.run("deploy", "staging");
    for (const file of ["app.conf", "token.txt", "settings.yml"]) expect(missing.output).toContain(`needs ${folder}/${file}`);
    expect(missing.exitCode).toBe(3);
    expect(await look()).toBe(before);
    expect(await onHost("staging", `docker events --since ${since} --until $(date +%s) --filter type=image --filter event=pull`)).toBe("");
    await onHost("staging", `mkdir ${folder}; for file in app.conf token.txt settings.yml; do echo "$file" >${folder}/$file; done`);
    const { output } = await project.deploy();
    expect(output).toMatch(/pulled web@sha256/);
  } finally {
    await project.remove();
    await onHost("staging", `docker network rm hoststest-proxy >&2; docker volume rm hoststest-kept >&2; rm -rf ${folder}`);
  }
});
