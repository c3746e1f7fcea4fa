// The tests of a group build on each other: each goes on from where the one before it came to.
import { chmod, readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { onHost } from "../support/hosts.ts";
import { makeProject, type Project } from "../support/projects/compose-project.ts";
import { sandbox } from "../support/run.ts";

const image = "${CI_REGISTRY}/library/valkey:8";
/** A service that only waits, and stops at once. */
const idle = `    image: ${image}
    entrypoint: [sleep, infinity]
    user: root
    stop_signal: SIGKILL
`;
const service = (name: string, volumes: readonly string[], more = "") =>
  `  ${name}:\n${idle}${more}    volumes:\n${volumes.map((volume) => `      - ${volume}\n`).join("")}`;
const services = (...all: string[]) => `services:\n${all.join("")}`;

const inside = (project: Project, name: string, command: string) =>
  onHost(
    "staging",
    `docker exec $(docker ps -qf label=com.docker.compose.project=${project.project} -f label=com.docker.compose.service=${name}) sh -c '${command}'`,
  );

describe("folders and files beside the Compose files", () => {
  let project: Project;
  const web = (extra: readonly string[] = []) =>
    services(service("web", ["./uploads:/uploads", "../shared:/shared", "./cache:/cache", "./app.conf:/etc/app.conf:ro", ...extra]));
  beforeAll(async () => {
    project = await makeProject({
      name: "stay",
      settings: "keep_releases: 1\n",
      files: { "compose.yaml": web(), "uploads/.gitkeep": "", "app.conf": "one\n" },
      compose: ["compose.yaml"],
    });
  });
  afterAll(async () => {
    await project.remove();
    await onHost("staging", "rm -rf /srv/lost");
  });

  test("uploads into a folder of the commit stay, whatever later commits have there", async () => {
    await project.deploy();
    for (const folder of ["uploads", "shared", "cache"]) await inside(project, "web", `echo mine >/${folder}/a`);
    await project.change({ "uploads/README": "what people send\n", "app.conf": "two\n" });
    await project.deploy();
    await project.change({ "uploads/README": "others\n", "app.conf": "three\n" });
    await project.deploy();
    expect(await inside(project, "web", "cat /uploads/a /shared/a /cache/a /uploads/README /etc/app.conf")).toBe(
      "mine\nmine\nmine\nwhat people send\nthree",
    );
    expect(await onHost("staging", `ls ${project.state}/releases | wc -l; stat -c %a ${project.state} ${project.state}/data/uploads`)).toBe(
      "1\n700\n755",
    );
  });

  test("files that neither the commit nor the host has are refused before anything is pulled, all of them", async () => {
    await project.change({
      "compose.yaml": `${web(["./lost.conf:/etc/lost.conf:ro", "/srv/lost/b.pem:/b.pem:ro"])}    secrets: [token]\nsecrets:\n  token: { file: ./token.txt }\n`,
    });
    const { exitCode, output } = await project.run("deploy", "staging");
    expect(exitCode, output).toBe(3);
    for (const name of ["./lost.conf", "/srv/lost/b.pem", "./token.txt"]) expect(output).toContain(name);
    await onHost(
      "staging",
      `mkdir -p ${project.state}/data && cd ${project.state}/data && echo secret >token.txt && echo found >lost.conf && chmod 644 *.* && mkdir -p /srv/lost && echo pem >/srv/lost/b.pem`,
    );
    await project.deploy();
    expect(await inside(project, "web", "cat /etc/lost.conf /b.pem /run/secrets/token /uploads/a")).toBe("found\npem\nsecret\nmine");
  });
});

describe("content that is mounted writable", () => {
  let project: Project;
  const compose = (flags = "") => services(service("web", [`./conf:/conf${flags}`, "./one.ini:/one.ini"]));
  beforeAll(async () => {
    project = await makeProject({
      name: "watch",
      settings: "keep_releases: 1\n",
      files: { "compose.yaml": compose(), "conf/a.ini": "a1\n", "conf/b.ini": "b1\n", "one.ini": "1\n" },
      compose: ["compose.yaml"],
    });
    await project.deploy();
  });
  afterAll(() => project.remove());

  test("is the new commit's as long as nobody wrote to it", async () => {
    await project.change({ "conf/a.ini": "a2\n", "one.ini": "2\n" });
    await project.deploy();
    expect(await inside(project, "web", "cat /conf/a.ini /one.ini")).toBe("a2\n2");
  });

  test("is not left behind where a container writes to it during the deploy: that is undone, and names the files", async () => {
    const before = await onHost("staging", `readlink ${project.state}/current`);
    const { clone } = project;
    const yml = await readFile(`${clone}/coldtivate.yml`, "utf8");
    const id = await onHost("staging", `docker ps -qf label=com.docker.compose.project=${project.project}`);
    await project.change({
      "coldtivate.yml": `${yml}hooks: { host: { before_deploy: write.sh } }\n`,
      "write.sh": `#!/bin/sh\ndocker exec ${id} sh -c 'echo between >/conf/between.ini'\n`,
      "conf/a.ini": "a3\n",
      "one.ini": "3\n",
    });
    await chmod(`${clone}/write.sh`, 0o755);
    const { exitCode, output } = await project.run("deploy", "staging");
    expect(exitCode, output).toBe(4);
    expect(output).toMatch(/containers wrote to \S+\/files\/[0-9a-f]{64} meanwhile: conf\/between\.ini/);
    expect(await inside(project, "web", "cat /conf/between.ini /conf/a.ini /one.ini")).toBe("between\na2\n2");
    expect(await onHost("staging", `readlink ${project.state}/current`)).toBe(before);
    await project.change({ "coldtivate.yml": yml, "write.sh": undefined });
  });

  test("is not left behind once containers wrote to it: the files are named, and the plan says so, too", async () => {
    await inside(project, "web", "echo mine >/conf/mine.ini; echo changed >/conf/b.ini; echo changed >/one.ini");
    for (const args of [["--dry-run"], []]) {
      const { exitCode, output } = await project.run("deploy", "staging", ...args);
      expect(exitCode, output).toBe(3);
      for (const word of [
        "would leave behind what containers wrote",
        "./conf: b.ini, between.ini, mine.ini",
        "./one.ini: one.ini",
        ":ro",
        "coldtivate.yml",
      ])
        expect(output).toContain(word);
    }
    expect(await inside(project, "web", "cat /conf/a.ini /conf/mine.ini")).toBe("a2\nmine");
  });

  test("becomes data where coldtivate.yml says so, in the very folder; with :ro the commit counts", async () => {
    const { clone } = project;
    const yml = await readFile(`${clone}/coldtivate.yml`, "utf8");
    await project.change({
      "coldtivate.yml": `${yml}services: { web: { data: [./conf] } }\n`,
      "compose.yaml": services(service("web", ["./conf:/conf", "./one.ini:/one.ini:ro"])),
      "conf/new.ini": "n\n",
    });
    const { output } = await project.deploy();
    expect(output).toContain("containers wrote to ./one.ini: one.ini");
    expect(await inside(project, "web", "cat /conf/a.ini /conf/b.ini /conf/mine.ini /conf/new.ini /one.ini")).toBe(
      "a2\nchanged\nmine\nn\n3",
    );
    await project.change({ "conf/a.ini": "a4\n" });
    await project.deploy();
    expect(await inside(project, "web", "cat /conf/a.ini /conf/mine.ini")).toBe("a2\nmine");
    expect(await onHost("staging", `cat ${project.state}/files/*/one.ini | sort`)).toContain("changed");
  });

  test("is left behind with --leave-data once: nobody is asked again, and it stays on the host", async () => {
    const files = { "compose.yaml": compose(), "one.ini": "4\n" };
    await project.change(files);
    await project.deploy();
    await inside(project, "web", "echo left >/one.ini");
    await project.change({ ...files, "one.ini": "5\n" });
    const refused = await project.run("deploy", "staging");
    expect(refused.exitCode, refused.output).toBe(3);
    const { output } = await project.deploy("--leave-data");
    expect(output).toContain("left behind, and kept on the host: ");
    await project.change({ ...files, "one.ini": "6\n" });
    expect((await project.deploy()).output).not.toContain("left behind, and kept");
    expect(await inside(project, "web", "cat /one.ini")).toBe("6");
    expect(await onHost("staging", `grep -lx left ${project.state}/files/*/one.ini | wc -l`)).toBe("1");
  });
});

describe("a project that plain Compose runs", () => {
  let project: Project;
  let first: string;
  const database = `  db:
    image: \${CI_REGISTRY}/library/postgres:15
    environment: { POSTGRES_PASSWORD: x }
    volumes: ["./pgdata:/var/lib/postgresql/data"]
    healthcheck: { test: [CMD, pg_isready, -q, -h, 127.0.0.1], interval: 20s, start_period: 60s, start_interval: 500ms }
`;
  const sql = (statement: string) => inside(project, "db", `psql -qtAU postgres -c "${statement}"`);
  const files = {
    "compose.yaml": services(service("web", ["./media:/media", "./conf:/conf", "named:/named"]), database) + "volumes: { named: {} }\n",
    "conf/a.ini": "a1\n",
  };
  beforeAll(async () => {
    project = await makeProject({ name: "moving", files, compose: ["compose.yaml"] });
    await project.plain("pull", "--quiet", "db");
    // The image of the tests, unlike the real one, does not give its folder to its user.
    const postgres = `${sandbox()["CI_REGISTRY"]}/library/postgres:15`;
    await onHost(
      "staging",
      `install -d -o $(docker run --rm --entrypoint id ${postgres} -u) -m 700 /opt/plain/moving /opt/plain/moving/pgdata && chmod 755 /opt/plain/moving`,
    );
    await project.plain("up", "-d", "--wait");
  });
  afterAll(() => project.remove());

  test("keeps the folders that its containers have mounted; what was written to content is not left behind", async () => {
    await inside(project, "web", "echo mine | tee /media/a /named/a >/conf/mine.ini");
    await sql("create table things as select generate_series(1, 1000)");
    const refused = await project.run("deploy", "staging");
    expect(refused.exitCode, refused.output).toBe(3);
    expect(refused.output).toContain("/opt/plain/moving/conf at /conf, which differs from the commit's ./conf: mine.ini");
    await onHost("staging", "rm /opt/plain/moving/conf/mine.ini");
    await project.deploy();
    expect(await inside(project, "web", "cat /media/a /named/a /conf/a.ini")).toBe("mine\nmine\na1");
    expect(await sql("select count(*) from things")).toBe("1000");
    expect(await onHost("staging", `docker inspect --format '{{json .Mounts}}' ${project.project}-db-1`)).toContain(
      '"/opt/plain/moving/pgdata"',
    );
    first = await onHost("staging", `basename $(readlink ${project.state}/current)`);
    await inside(project, "web", "echo more >/media/b");
    await project.change({ "media/.gitkeep": "", "conf/a.ini": "a2\n" });
    await project.deploy();
    expect(await inside(project, "web", "cat /media/a /media/b /conf/a.ini")).toBe("mine\nmore\na2");
    expect(await onHost("staging", "ls /opt/plain/moving/media")).toContain("a");
  });

  test("a mount that would change its kind is refused, and goes on with --leave-data; a rollback likewise", async () => {
    await project.change({
      "compose.yaml":
        services(service("web", ["media:/media", "./conf:/conf", "named:/named"]), database) + "volumes: { named: {}, media: {} }\n",
    });
    const refused = await project.run("deploy", "staging");
    expect(refused.exitCode, refused.output).toBe(3);
    expect(refused.output).toContain("/opt/plain/moving/media at /media; the release would give web the volume moving-staging_media there");
    await project.deploy("--leave-data");
    const back = await project.run("rollback", "staging");
    expect(back.exitCode, back.output).toBe(3);
    expect(back.output).toContain("the volume moving-staging_media at /media");
    const { exitCode, output } = await project.run("rollback", "staging", "--leave-data");
    expect(exitCode, output).toBe(0);
    expect(await inside(project, "web", "cat /media/a /media/b")).toBe("mine\nmore");
  });

  test("a release that is applied by hand is refused for what it would leave behind, and goes on with --leave-data", async () => {
    await project.deploy("--leave-data");
    await inside(project, "web", "echo volume >/media/c");
    const by = (...args: string[]) =>
      onHost(
        "staging",
        `cd /tmp; HOME=/home/deploy runuser -u deploy -- bash ${project.state}/environment-deployment-management.sh -p ${project.project} deploy ${first} ${args.join(" ")} 2>&1; echo "ended with $?"`,
      );
    const refused = await by();
    expect(refused).toMatch(/mounts nowhere what containers write to:\n {2}moving-staging-web-1 has moving-staging_media at \/media\n/);
    expect(refused).toContain("ended with 3");
    expect(await inside(project, "web", "cat /media/c")).toBe("volume");
    expect(await by("--leave-data")).toContain("ended with 0");
    expect(await inside(project, "web", "cat /media/a /media/b")).toBe("mine\nmore");
    expect(await onHost("staging", "cat $(docker volume inspect --format {{.Mountpoint}} moving-staging_media)/c")).toBe("volume");
    expect(await sql("select count(*) from things")).toBe("1000");
  });
});
