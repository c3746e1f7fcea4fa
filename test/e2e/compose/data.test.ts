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
  let shop: Project;
  const web = (extra: readonly string[] = []) =>
    services(service("web", ["./uploads:/uploads", "../shared:/shared", "./cache:/cache", "./app.conf:/etc/app.conf:ro", ...extra]));
  beforeAll(async () => {
    shop = await makeProject({
      name: "stay",
      settings: "keep_releases: 1\n",
      files: { "compose.yaml": web(), "uploads/.gitkeep": "", "app.conf": "one\n" },
      compose: ["compose.yaml"],
    });
  });
  afterAll(async () => {
    await shop.remove();
    await onHost("staging", "rm -rf /srv/lost");
  });

  test("uploads into a folder of the commit stay, whatever later commits have there", async () => {
    await shop.deploy();
    for (const folder of ["uploads", "shared", "cache"]) await inside(shop, "web", `echo mine >/${folder}/a`);
    await shop.change({ "uploads/README": "what people send\n", "app.conf": "two\n" });
    await shop.deploy();
    await shop.change({ "uploads/README": "others\n", "app.conf": "three\n" });
    await shop.deploy();
    expect(await inside(shop, "web", "cat /uploads/a /shared/a /cache/a /uploads/README /etc/app.conf")).toBe(
      "mine\nmine\nmine\nwhat people send\nthree",
    );
    expect(await onHost("staging", `ls ${shop.state}/releases | wc -l; stat -c %a ${shop.state} ${shop.state}/data/uploads`)).toBe(
      "1\n700\n755",
    );
  });

  test("files that neither the commit nor the host has are refused before anything is pulled, all of them", async () => {
    await shop.change({
      "compose.yaml": `${web(["./lost.conf:/etc/lost.conf:ro", "/srv/lost/b.pem:/b.pem:ro"])}    secrets: [token]\nsecrets:\n  token: { file: ./token.txt }\n`,
    });
    const { exitCode, output } = await shop.run("deploy", "staging");
    expect(exitCode, output).toBe(3);
    for (const name of ["./lost.conf", "/srv/lost/b.pem", "./token.txt"]) expect(output).toContain(name);
    await onHost(
      "staging",
      `mkdir -p ${shop.state}/data && cd ${shop.state}/data && echo secret >token.txt && echo found >lost.conf && chmod 644 *.* && mkdir -p /srv/lost && echo pem >/srv/lost/b.pem`,
    );
    await shop.deploy();
    expect(await inside(shop, "web", "cat /etc/lost.conf /b.pem /run/secrets/token /uploads/a")).toBe("found\npem\nsecret\nmine");
  });
});

describe("content that is mounted writable", () => {
  let shop: Project;
  const compose = (flags = "") => services(service("web", [`./conf:/conf${flags}`, "./one.ini:/one.ini"]));
  beforeAll(async () => {
    shop = await makeProject({
      name: "watch",
      settings: "keep_releases: 1\n",
      files: { "compose.yaml": compose(), "conf/a.ini": "a1\n", "conf/b.ini": "b1\n", "one.ini": "1\n" },
      compose: ["compose.yaml"],
    });
    await shop.deploy();
  });
  afterAll(() => shop.remove());

  test("is the new commit's as long as nobody wrote to it", async () => {
    await shop.change({ "conf/a.ini": "a2\n", "one.ini": "2\n" });
    await shop.deploy();
    expect(await inside(shop, "web", "cat /conf/a.ini /one.ini")).toBe("a2\n2");
  });

  test("is not left behind where a container writes to it during the deploy: that is undone, and names the files", async () => {
    const before = await onHost("staging", `readlink ${shop.state}/current`);
    const { clone } = shop;
    const yml = await readFile(`${clone}/coldtivate.yml`, "utf8");
    const id = await onHost("staging", `docker ps -qf label=com.docker.compose.project=${shop.project}`);
    await shop.change({
      "coldtivate.yml": `${yml}hooks: { host: { before_deploy: write.sh } }\n`,
      "write.sh": `#!/bin/sh\ndocker exec ${id} sh -c 'echo between >/conf/between.ini'\n`,
      "conf/a.ini": "a3\n",
      "one.ini": "3\n",
    });
    await chmod(`${clone}/write.sh`, 0o755);
    const { exitCode, output } = await shop.run("deploy", "staging");
    expect(exitCode, output).toBe(4);
    expect(output).toMatch(/containers wrote to \S+\/files\/[0-9a-f]{64} meanwhile: conf\/between\.ini/);
    expect(await inside(shop, "web", "cat /conf/between.ini /conf/a.ini /one.ini")).toBe("between\na2\n2");
    expect(await onHost("staging", `readlink ${shop.state}/current`)).toBe(before);
    await shop.change({ "coldtivate.yml": yml, "write.sh": undefined });
  });

  test("is not left behind once containers wrote to it: the files are named, and the plan says so, too", async () => {
    await inside(shop, "web", "echo mine >/conf/mine.ini; echo changed >/conf/b.ini; echo changed >/one.ini");
    for (const args of [["--dry-run"], []]) {
      const { exitCode, output } = await shop.run("deploy", "staging", ...args);
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
    expect(await inside(shop, "web", "cat /conf/a.ini /conf/mine.ini")).toBe("a2\nmine");
  });

  test("becomes data where coldtivate.yml says so, in the very folder; with :ro the commit counts", async () => {
    const { clone } = shop;
    const yml = await readFile(`${clone}/coldtivate.yml`, "utf8");
    await shop.change({
      "coldtivate.yml": `${yml}services: { web: { data: [./conf] } }\n`,
      "compose.yaml": services(service("web", ["./conf:/conf", "./one.ini:/one.ini:ro"])),
      "conf/new.ini": "n\n",
    });
    const { output } = await shop.deploy();
    expect(output).toContain("containers wrote to ./one.ini: one.ini");
    expect(await inside(shop, "web", "cat /conf/a.ini /conf/b.ini /conf/mine.ini /conf/new.ini /one.ini")).toBe("a2\nchanged\nmine\nn\n3");
    await shop.change({ "conf/a.ini": "a4\n" });
    await shop.deploy();
    expect(await inside(shop, "web", "cat /conf/a.ini /conf/mine.ini")).toBe("a2\nmine");
    expect(await onHost("staging", `cat ${shop.state}/files/*/one.ini | sort`)).toContain("changed");
  });

  test("is left behind with --leave-data once: nobody is asked again, and it stays on the host", async () => {
    const files = { "compose.yaml": compose(), "one.ini": "4\n" };
    await shop.change(files);
    await shop.deploy();
    await inside(shop, "web", "echo left >/one.ini");
    await shop.change({ ...files, "one.ini": "5\n" });
    const refused = await shop.run("deploy", "staging");
    expect(refused.exitCode, refused.output).toBe(3);
    const { output } = await shop.deploy("--leave-data");
    expect(output).toContain("left behind, and kept on the host: ");
    await shop.change({ ...files, "one.ini": "6\n" });
    expect((await shop.deploy()).output).not.toContain("left behind, and kept");
    expect(await inside(shop, "web", "cat /one.ini")).toBe("6");
    expect(await onHost("staging", `grep -lx left ${shop.state}/files/*/one.ini | wc -l`)).toBe("1");
  });
});

describe("a project that plain Compose runs", () => {
  let shop: Project;
  let first: string;
  const database = `  db:
    image: \${CI_REGISTRY}/library/postgres:15
    environment: { POSTGRES_PASSWORD: x }
    volumes: ["./pgdata:/var/lib/postgresql/data"]
    healthcheck: { test: [CMD, pg_isready, -q, -h, 127.0.0.1], interval: 20s, start_period: 60s, start_interval: 500ms }
`;
  const sql = (statement: string) => inside(shop, "db", `psql -qtAU postgres -c "${statement}"`);
  const files = {
    "compose.yaml": services(service("web", ["./media:/media", "./conf:/conf", "named:/named"]), database) + "volumes: { named: {} }\n",
    "conf/a.ini": "a1\n",
  };
  beforeAll(async () => {
    shop = await makeProject({ name: "moving", files, compose: ["compose.yaml"] });
    await shop.plain("pull", "--quiet", "db");
    // The image of the tests, unlike the real one, does not give its folder to its user.
    const postgres = `${sandbox()["CI_REGISTRY"]}/library/postgres:15`;
    await onHost(
      "staging",
      `install -d -o $(docker run --rm --entrypoint id ${postgres} -u) -m 700 /opt/plain/moving /opt/plain/moving/pgdata && chmod 755 /opt/plain/moving`,
    );
    await shop.plain("up", "-d", "--wait");
  });
  afterAll(() => shop.remove());

  test("keeps the folders that its containers have mounted; what was written to content is not left behind", async () => {
    await inside(shop, "web", "echo mine | tee /media/a /named/a >/conf/mine.ini");
    await sql("create table things as select generate_series(1, 1000)");
    const refused = await shop.run("deploy", "staging");
    expect(refused.exitCode, refused.output).toBe(3);
    expect(refused.output).toContain("/opt/plain/moving/conf at /conf, which differs from the commit's ./conf: mine.ini");
    await onHost("staging", "rm /opt/plain/moving/conf/mine.ini");
    await shop.deploy();
    expect(await inside(shop, "web", "cat /media/a /named/a /conf/a.ini")).toBe("mine\nmine\na1");
    expect(await sql("select count(*) from things")).toBe("1000");
    expect(await onHost("staging", `docker inspect --format '{{json .Mounts}}' ${shop.project}-db-1`)).toContain(
      '"/opt/plain/moving/pgdata"',
    );
    first = await onHost("staging", `basename $(readlink ${shop.state}/current)`);
    await inside(shop, "web", "echo more >/media/b");
    await shop.change({ "media/.gitkeep": "", "conf/a.ini": "a2\n" });
    await shop.deploy();
    expect(await inside(shop, "web", "cat /media/a /media/b /conf/a.ini")).toBe("mine\nmore\na2");
    expect(await onHost("staging", "ls /opt/plain/moving/media")).toContain("a");
  });

  test("a mount that would change its kind is refused, and goes on with --leave-data; a rollback likewise", async () => {
    await shop.change({
      "compose.yaml":
        services(service("web", ["media:/media", "./conf:/conf", "named:/named"]), database) + "volumes: { named: {}, media: {} }\n",
    });
    const refused = await shop.run("deploy", "staging");
    expect(refused.exitCode, refused.output).toBe(3);
    expect(refused.output).toContain("/opt/plain/moving/media at /media; the release would give web the volume moving-staging_media there");
    await shop.deploy("--leave-data");
    const back = await shop.run("rollback", "staging");
    expect(back.exitCode, back.output).toBe(3);
    expect(back.output).toContain("the volume moving-staging_media at /media");
    const { exitCode, output } = await shop.run("rollback", "staging", "--leave-data");
    expect(exitCode, output).toBe(0);
    expect(await inside(shop, "web", "cat /media/a /media/b")).toBe("mine\nmore");
  });

  test("a release that is applied by hand is refused for what it would leave behind, and goes on with --leave-data", async () => {
    await shop.deploy("--leave-data");
    await inside(shop, "web", "echo volume >/media/c");
    const by = (...args: string[]) =>
      onHost(
        "staging",
        `cd /tmp; HOME=/home/deploy runuser -u deploy -- bash ${shop.state}/environment-deployment-management.sh -p ${shop.project} deploy ${first} ${args.join(" ")} 2>&1; echo "ended with $?"`,
      );
    const refused = await by();
    expect(refused).toMatch(/mounts nowhere what containers write to:\n {2}moving-staging-web-1 has moving-staging_media at \/media\n/);
    expect(refused).toContain("ended with 3");
    expect(await inside(shop, "web", "cat /media/c")).toBe("volume");
    expect(await by("--leave-data")).toContain("ended with 0");
    expect(await inside(shop, "web", "cat /media/a /media/b")).toBe("mine\nmore");
    expect(await onHost("staging", "cat $(docker volume inspect --format {{.Mountpoint}} moving-staging_media)/c")).toBe("volume");
    expect(await sql("select count(*) from things")).toBe("1000");
  });
});
