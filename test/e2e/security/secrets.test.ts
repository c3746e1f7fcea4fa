// The tests build on each other: each goes on from where the one before it came to.
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commitAll, makeFolder } from "../support/clones.ts";
import { holdPulls } from "../support/host-state.ts";
import { onHost } from "../support/hosts.ts";
import { start } from "../support/live-command.ts";
import { makeSmallProject, removeSmallProject } from "../support/projects/small-project.ts";
import { top } from "../support/repository.ts";
import { coldtivate, must, run, sandbox, type Ran } from "../support/run.ts";
import { searchHere, searchHost, searchRegistry, shownIn } from "../support/secrets/search.ts";
import { startSecretWatch } from "../support/secrets/watch.ts";
import { jobMark, type Sighting, type WatchReport } from "../support/secrets/watcher.ts";

/** Nothing that a person reads has any of these: the telling part of every secret, and other forms of it. */
const secrets: Record<string, string> = {};

/** Everything that libraries can be made to tell. */
const talkative = { DEBUG: "*", NODE_DEBUG: "execa,child_process,net,http,https,tls,stream,fs,undici" };

let clone: string;
let folder: string;
let job: Record<string, string>;

beforeAll(async () => {
  folder = await makeFolder();
  await mkdir(join(folder, "home"));
  await mkdir(join(folder, "tmp"));
  await must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, "submodule-key")]);

  const { CI_REGISTRY_USER, CI_REGISTRY_PASSWORD = "", STAGING_SSH_PRIVATE_KEY = "" } = sandbox();
  secrets["registry password"] = CI_REGISTRY_PASSWORD;
  secrets["registry password in base64"] = Buffer.from(CI_REGISTRY_PASSWORD).toString("base64").replaceAll("=", "");
  const beginning = `{"username":"${CI_REGISTRY_USER}","password":"${CI_REGISTRY_PASSWORD}`;
  secrets["registry login as engines take it"] = Buffer.from(beginning).toString("base64url").slice(0, -2).slice(-24);
  secrets["registry login in base64"] = Buffer.from(`${CI_REGISTRY_USER}:${CI_REGISTRY_PASSWORD}`).toString("base64").replaceAll("=", "");
  secrets["host's key"] = privatePart(await readFile(STAGING_SSH_PRIVATE_KEY, "utf8"));
  secrets["submodules' key"] = privatePart(await readFile(join(folder, "submodule-key"), "utf8"));
  const canaries = ["dotenv token", "dotenv certificate", "dotenv in a variable", "dotenv of a command", "dotenv of sops"];
  for (const name of [...canaries, "build token", "chat", "other registry"]) secrets[name] = randomBytes(12).toString("hex");

  const printed = Buffer.from(`p$ss "${secrets["dotenv token"]}" #1`).toString("base64");
  secrets["dotenv token in base64"] = printed.slice(0, 32);
  const token = `'p$ss "${secrets["dotenv token"]}" #1'`;
  const certificate = `"first line\n${secrets["dotenv certificate"]}"`;
  await writeFile(join(folder, "dotenv"), `TOKEN=${token}\nCERTIFICATE=${certificate}\n`, { mode: 0o600 });
  await writeFile(join(folder, "more.env"), `MORE='${secrets["dotenv of a command"]}'\n`, { mode: 0o600 });
  await putSops();
  const login = Buffer.from(`me:${secrets["other registry"]}`).toString("base64");
  job = {
    [jobMark]: "yes",
    PATH: `${join(folder, "bin")}:${sandbox()["PATH"]}`,
    VARIABLE_DOT_ENV: `IN_VARIABLE=${secrets["dotenv in a variable"]}\n`,
    CHAT_WEBHOOK: `https://127.0.0.1:9/services/${secrets["chat"]}`,
    DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { "other.example.com": { auth: login } } }),
    HOME: join(folder, "home"),
    TMPDIR: join(folder, "tmp"),
    PROJECT_DOT_ENV: join(folder, "dotenv"),
    BUILD_TOKEN: `b$ld "${secrets["build token"]}" #2`,
    SUBMODULE_KEY: join(folder, "submodule-key"),
  };

  clone = await makeSmallProject();
  await rewrite("coldtivate.yml", (written) =>
    written
      .replace(
        /^build:\n/m,
        "build:\n  cache: buildcache\n  ssh: true\n  ssh_key: ${SUBMODULE_KEY}\n  secrets: { token: { env: BUILD_TOKEN } }\n",
      )
      .replace(
        /dotenv: .*/,
        `dotenv: ["\${PROJECT_DOT_ENV}", { env: VARIABLE_DOT_ENV }, { command: [cat, ${folder}/more.env] }, { sops: secrets.yaml }]`,
      )
      .replace(
        /^tasks:/m,
        "webhook: ${CHAT_WEBHOOK}\nfront: { image: '${FRONT_IMAGE}' }\nhooks: { before_build: [sh, -c, env], after_deploy: [sh, -c, env] }\ntasks:",
      ),
  );
  await writeFile(join(clone, "secrets.yaml"), "DB_PASSWORD: ENC[x]\nsops:\n    mac: ENC[x]\n");
  // It has no environment: its secret is a file.
  await rewrite(
    "docker-compose.yml",
    (written) =>
      `${written}  vault:\n    image: \${CI_REGISTRY_IMAGE}/web:\${CI_COMMIT_REF_SLUG}\n    init: true\n    command: [sleep, infinity]\n` +
      `    secrets: [{ source: db, uid: "103", mode: 0400 }]\nsecrets: { db: { environment: DB_PASSWORD } }\n`,
  );
  await rewrite(
    "web/Dockerfile",
    (written) =>
      `${written}RUN --mount=type=secret,id=token --mount=type=ssh test -s /run/secrets/token && test -S "$SSH_AUTH_SOCK" && : ${randomBytes(4).toString("hex")}\n`,
  );
  await commitAll(clone, "feat: build with secrets");
});

afterAll(removeSmallProject);

async function rewrite(file: string, change: (written: string) => string): Promise<void> {
  const path = join(clone, file);
  await writeFile(path, change(await readFile(path, "utf8")));
}

/** A `sops` for the job that knows the one file. */
async function putSops(): Promise<void> {
  await mkdir(join(folder, "bin"));
  await writeFile(join(folder, "plain.json"), JSON.stringify({ DB_PASSWORD: secrets["dotenv of sops"] }), { mode: 0o600 });
  await writeFile(join(folder, "bin/sops"), `#!/bin/sh\nsleep 0.1; exec cat ${folder}/plain.json\n`, { mode: 0o755 });
  // One that takes its time over a login, which is over in an instant: the watch has to see it, however busy the machine is.
  const docker = `#!/bin/bash\n[[ $1 != login ]] || sleep 0.5\nexec "$(type -aP docker | grep -vF ${folder} | head -n 1)" "$@"\n`;
  await writeFile(join(folder, "bin/docker"), docker, { mode: 0o755 });
}

/** The lines of a private key that its public half does not have. */
function privatePart(key: string): string {
  return key.trim().split("\n").at(-3)!;
}

function cli(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  return coldtivate(args, { cwd: clone, env: { ...job, ...env } });
}

describe("while a release is built and deployed", () => {
  let report: WatchReport;
  let outputs: Ran[];
  const since = Date.now();

  beforeAll(async () => {
    const watch = await startSecretWatch(secrets, ["/dev/shm", job["HOME"]!, job["TMPDIR"]!]);
    try {
      outputs = [];
      for (const args of [["build"], ["push", "--json"], ["build", "--push"], ["deploy", "staging", "--verbose"]])
        outputs.push(await cli(args, talkative));
    } finally {
      report = await watch.end();
    }
    for (const { exitCode, output } of outputs) expect(exitCode, redact(output)).toBe(0);
  });

  test("no argument list, environment or open file shows a secret", () => {
    for (const program of [
      /docker login/,
      /docker buildx bake/,
      /sops --decrypt/,
      /sh -c env/,
      /docker pull/,
      /management\.sh .* execute/,
      /docker-compose .* up/,
    ]) {
      expect(report.commands.join("\n"), "the watch has to see the programs at work").toMatch(program);
    }
    expect(report.sightings.filter((sighting) => !isAllowed(sighting))).toEqual([]);
  });

  test("no output shows a secret, however talkative it was", () => {
    for (const { output } of outputs) {
      expect(output.length).toBeGreaterThan(10_000);
      expect(shownIn(output, secrets)).toEqual([]);
    }
  });

  test("the containers got their secrets intact", async () => {
    const printed = await onHost("staging", 'docker exec small-staging-web-1 sh -c \'printf "%s|%s" "$TOKEN" "$CERTIFICATE"\'');
    expect(printed).toBe(`p$ss "${secrets["dotenv token"]}" #1|first line\n${secrets["dotenv certificate"]}`);
    const file = "docker exec small-staging-vault-1 sh -c 'stat -c \"%a %u\" /run/secrets/db; cat /run/secrets/db'";
    expect(await onHost("staging", file)).toBe(`400 103\n${secrets["dotenv of sops"]}`);
  });

  test("the engine tells nobody of a secret that is a file, nor of any credential", async () => {
    const { "dotenv of sops": ofSops, ...others } = secrets;
    const credentials = Object.fromEntries(Object.entries(others).filter(([name]) => !name.startsWith("dotenv")));
    const all = await onHost("staging", "docker ps -aq | xargs docker inspect; docker images -q | xargs docker image inspect");
    expect(shownIn(all, credentials)).toEqual([]);
    const vault = await onHost("staging", "docker inspect small-staging-vault-1");
    expect(shownIn(vault, secrets)).toEqual([]);
    expect(vault).not.toContain(ofSops);
    const here = await must(
      "sh",
      ["-c", "docker images -q | xargs docker image inspect; docker images -q | xargs -n 1 docker history --no-trunc"],
      {
        env: { ...sandbox() },
      },
    );
    expect(shownIn(here, secrets)).toEqual([]);
  });

  test("afterwards the host has no credential, and nobody else can read what it has", expectCleanHost);

  test("afterwards the client has nothing", expectCleanClient);

  test("nothing in the registry holds a secret: no layer, no history, no cache", async () => {
    const { looked, found } = await searchRegistry(secrets, since);
    expect(looked).toBeGreaterThan(3);
    expect(found).toEqual([]);
  });
});

describe("a failure shows no secret", () => {
  const wrongPassword = randomBytes(12).toString("hex");

  beforeAll(async () => {
    secrets["wrong password"] = wrongPassword;
    secrets["wrong login in base64"] = Buffer.from(`${sandbox()["CI_REGISTRY_USER"]}:${wrongPassword}`).toString("base64");
    await must("git", ["checkout", "--", "."], { cwd: clone });
    await writeFile(join(clone, "web/sign.txt"), "Sold out.\n");
    await publish("feat: sell out");
  });

  const ways = [
    "env",
    'echo "$$TOKEN" | base64 -w0; echo',
    'echo "$$TOKEN" | base64 -w 24',
    'printf %s "$$TOKEN" | od -An -tx1',
    // With something before its end that a terminal does not show.
    'a="$${MORE%???}"; b="$${MORE#"$$a"}"',
    'printf "%s\\033[31m%s\\n" "$$a" "$$b"',
    'printf "%s\\302\\233K%s\\n" "$$a" "$$b"',
  ];
  const printing = `${ways.join("; ")}; exit 3`;
  test.each<[string, number, readonly string[], () => Promise<Record<string, string> | void>]>([
    ["of the registry's login before a build", 3, ["build", "--push"], async () => ({ CI_REGISTRY_PASSWORD: wrongPassword })],
    ["of the registry's login before a deploy", 3, ["deploy", "staging"], async () => ({ CI_REGISTRY_PASSWORD: wrongPassword })],
    ["of the login to the host", 3, ["deploy", "staging"], async () => ({ STAGING_SSH_PRIVATE_KEY: join(folder, "submodule-key") })],
    [
      "of a task that prints its environment",
      4,
      ["deploy", "staging"],
      () =>
        rewrite("coldtivate.yml", (written) => written.replace("[echo, all is prepared]", () => JSON.stringify(["sh", "-c", printing]))),
    ],
    [
      "of a build step that prints a build secret",
      4,
      ["build"],
      () => rewrite("web/Dockerfile", (written) => `${written}RUN --mount=type=secret,id=token cat /run/secrets/token; exit 1\n`),
    ],
  ])("%s", async (_name, exitCode, args, prepare) => {
    const env = await prepare();
    try {
      for (const more of [["--verbose"], ["--json"]]) {
        const ran = await cli([...args, ...more], { ...env, ...talkative });
        expect(ran.exitCode, redact(ran.output)).toBe(exitCode);
        expect(shownIn(ran.output, secrets)).toEqual([]);
        if (exitCode === 4) expect(ran.output).toContain("***");
      }
      await expectCleanHost();
      await expectCleanClient();
    } finally {
      await must("git", ["checkout", "--", "."], { cwd: clone });
    }
  });
});

describe("of a client that was killed", () => {
  test("a build leaves what the next command sweeps", async () => {
    await rewrite("web/Dockerfile", (written) => `${written}RUN while echo at-work; do sleep 0.2; done\n`);
    const build = start(["build"], { cwd: clone, env: job });
    await build.says(/at-work/);
    build.kill("SIGKILL");
    await build.ended;
    await must("git", ["checkout", "--", "."], { cwd: clone });

    await expect.poll(() => onHost("builder", "grep -ls [a]t-work /proc/[0-9]*/cmdline || true"), { timeout: 30_000 }).toBe("");
    const next = await cli(["build"]);
    expect(next.exitCode, redact(next.output)).toBe(0);
    await expectCleanClient();
    await expect.poll(() => agentsOf(build.pid), { timeout: 30_000 }).toEqual([]);
  });

  test("a pull goes on, and the host forgets the credentials", async () => {
    await writeFile(join(clone, "web/sign.txt"), "Back at five.\n");
    await publish("feat: come back");
    const held = await holdPulls("staging");
    const deploy = start(["deploy", "staging"], { cwd: clone, env: job });
    await deploy.says(/pull .* started/);
    await expect.poll(() => onHost("staging", "ls /dev/shm")).not.toBe("");
    deploy.kill("SIGKILL");
    await deploy.ended;
    await held.release();
    const journal = "cat $(ls -td /home/deploy/.coldtivate/small-staging/releases/*/journal | head -n 1)";
    await expect.poll(() => onHost("staging", journal), { timeout: 60_000 }).toMatch(/\t0\tfinished\t/);
    await expectCleanHost();
    await expectCleanClient();
  });
});

test("what a power cut left of a deploy's beginning is removed by the next one", async () => {
  const incoming = "/home/deploy/.coldtivate/incoming";
  await onHost("staging", `install -d -o deploy -g deploy ${incoming}.before ${incoming}.now; touch -d '2 hours ago' ${incoming}.before`);
  expect(await cli(["deploy", "staging", "--dry-run"])).toMatchObject({ exitCode: 0 });
  expect(await onHost("staging", `ls -d ${incoming}.*; rmdir ${incoming}.now`)).toBe(`${incoming}.now`);
});

test("no other command shows a secret, or hands one on", async () => {
  const watch = await startSecretWatch(secrets, ["/dev/shm", job["HOME"]!, job["TMPDIR"]!]);
  const ran: [string[], Ran][] = [];
  const commands = "status history lock unlock attach abort recover fronts rollback".split(" ").map((name) => {
    const more = { lock: ["-m", "to look"], fronts: ["--dry-run"], rollback: ["--yes"] }[name] ?? [];
    return [name, "staging", ...more];
  });
  let report: WatchReport;
  try {
    for (const [index, args] of [...commands, ["registry", "prune", "--dry-run"]].entries()) {
      ran.push([args, await cli([...args, ...(index % 2 === 0 ? ["--json"] : ["--verbose"])], { DEBUG: "*" })]);
    }
  } finally {
    report = await watch.end();
  }
  for (const [args, { output }] of ran) expect(shownIn(output, secrets), args.join(" ")).toEqual([]);
  const refused = ran.filter(([, { exitCode }]) => exitCode !== 0).map(([[name]]) => name);
  // Nobody is at work, and nothing has a front.
  expect(refused).toEqual(["attach", "abort", "fronts"]);
  expect(report.sightings.filter((sighting) => !isAllowed(sighting))).toEqual([]);
  await expectCleanHost();
  await expectCleanClient();
});

test("the package has no secret", async () => {
  expect(
    await searchHere(
      secrets,
      ["bin", "dist", "docs", "scripts", "schema.json", "CHANGELOG.md"].map((name) => join(top, name)),
    ),
  ).toEqual([]);
});

/** Puts a commit's images into the registry. */
async function publish(message: string): Promise<void> {
  await commitAll(clone, message);
  const { exitCode, output } = await cli(["build", "--push"]);
  expect(exitCode, redact(output)).toBe(0);
}

/** A dotenv's values reach the containers. What a job's variables hold has coldtivate itself, and the program that it asks for a secret. */
function isAllowed({ secret, in: place, where, inContainer }: Sighting): boolean {
  if (place !== "environment") return false;
  const isOurs = /^\S*(?:node|sh|env(?: node)?) \S*(?:coldtivate|run\.js) /.test(where);
  return (inContainer && secret.startsWith("dotenv")) || isOurs || where === `cat ${folder}/more.env`;
}

/** For messages of failed tests. */
function redact(output: string): string {
  return Object.values(secrets).reduce((written, value) => written.replaceAll(value, "<secret>"), output);
}

/** No credential on the host, and of all else nothing that others can read. */
async function expectCleanHost(): Promise<void> {
  const credentials = Object.fromEntries(Object.entries(secrets).filter(([name]) => !name.startsWith("dotenv")));
  expect(await searchHost(credentials, "root")).toEqual([]);
  expect(await searchHost(secrets, "anybody")).toEqual([]);
}

async function expectCleanClient(): Promise<void> {
  expect(await searchHere(secrets, ["/dev/shm", job["HOME"]!, job["TMPDIR"]!])).toEqual([]);
  const left = (await readdir("/dev/shm")).filter((name) => name.startsWith("coldtivate-client"));
  // Those of others come and go.
  const modes = await Promise.all(
    left.map((name) =>
      stat(join("/dev/shm", name)).then(
        ({ mode }) => mode & 0o077,
        () => 0,
      ),
    ),
  );
  expect(modes.filter((mode) => mode !== 0)).toEqual([]);
}

/** The ssh-agents that a process of the CLI started. */
async function agentsOf(pid: number): Promise<string[]> {
  const { stdout } = await run("grep", [
    "-lsaE",
    `^ssh-agent.*-${pid}-`,
    ...(await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map((name) => `/proc/${name}/cmdline`),
  ]);
  return stdout.split("\n").filter((line) => line !== "");
}
