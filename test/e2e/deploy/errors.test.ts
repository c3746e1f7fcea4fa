import { readFile, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { checkOut, edit, ensureBuilt, makeFolder } from "../support/clones.ts";
import { hostContent } from "../support/host-state.ts";
import { stagingHost } from "../support/hosts.ts";
import { expectRefusal } from "../support/refusal.ts";
import { coldtivate, jobEnvironment, must, run, sandbox } from "../support/run.ts";

let clone: string;

beforeAll(async () => {
  clone = await checkOut("main");
});

describe.concurrent("the configuration", () => {
  test.each([["deploy", "staging"], ["status", "staging"], ["build"], ["push"]])("%s without one says where it looked", async (...args) => {
    const folder = await makeFolder();
    await expectRefusal(args, { cwd: folder }, { exitCode: 2, says: [`There is no coldtivate.yml in ${folder}`, "--config"] });
  });

  test("with five mistakes of five kinds is told all of them at once, with their places", async () => {
    const cwd = await checkOut("main");
    await edit(cwd, "coldtivate.yml", (text) =>
      text
        .replace("gateway: { context: ./Gateway }", "gateway: { context: ./Gateway, dokerfile: Dockerfile }")
        .replace("submodules: true", "submodules: sometimes")
        .replace("context: ./ML4-India", "context: ./ML4-Indai")
        .replace("name: migrate, service: web", "name: migrate, service: wob")
        .replace("host: ${STAGING_SSH_HOST}", "host: ${STAGING_HOST}"),
    );
    const { stderr } = await expectRefusal(["deploy", "staging"], { cwd }, { exitCode: 2, says: ["coldtivate.yml has 5 mistakes"] });

    const lines = (await readFile(join(cwd, "coldtivate.yml"), "utf8")).split("\n");
    const told = [...stderr.matchAll(/^ +coldtivate\.yml:(\d+):(\d+) +(\S+): (.*)$/gm)];
    const places = told.map(([, line, column, path, message]) => [lines[Number(line) - 1]?.slice(Number(column) - 1), path, message]);
    expect(places).toEqual([
      [expect.stringMatching(/^sometimes/), "build.submodules", expect.stringContaining("true or false")],
      [expect.stringMatching(/^dokerfile/), "images.gateway.dokerfile", expect.stringContaining('did you mean "dockerfile"?')],
      [expect.stringMatching(/^\.\/ML4-Indai/), "images.ml4-india.context", "there is no folder ./ML4-Indai"],
      [
        expect.stringMatching(/^wob/),
        "tasks[0].service",
        expect.stringContaining('no Compose file has a service wob (did you mean "web"?)'),
      ],
      [expect.stringMatching(/^\$\{STAGING_HOST\}/), "environments.staging.host", expect.stringContaining("STAGING_HOST is not set")],
    ]);
  });

  test("with a key twice names the second", async () => {
    const cwd = await checkOut("main");
    await edit(cwd, "coldtivate.yml", (text) => `${text}project: again\n`);
    const line = (await readFile(join(cwd, "coldtivate.yml"), "utf8")).trimEnd().split("\n").length;
    await expectRefusal(
      ["deploy", "staging"],
      { cwd },
      { exitCode: 2, says: [`coldtivate.yml:${line}:1  project: this key is there already`] },
    );
  });

  test("that is no YAML says where it stops being it", async () => {
    const cwd = await checkOut("main");
    await edit(cwd, "coldtivate.yml", (text) => text.replace("branches: [main]", "branches: [main"));
    await expectRefusal(["status", "staging"], { cwd }, { exitCode: 2, says: [/coldtivate\.yml:\d+:\d+/] });
  });

  test("with a setting for a service that no Compose file has names the service that was meant", async () => {
    const cwd = await checkOut("main");
    await edit(cwd, "coldtivate.yml", (text) => `${text}services:\n  celry: { healthy_within: 10s }\n`);
    await expectRefusal(["deploy", "staging"], { cwd }, { exitCode: 2, says: ["services.celry", 'did you mean "celery"?'] });
  });

  test("that needs a missing variable names it and its place, and only commands that need it ask for it", async () => {
    const env = { STAGING_SSH_HOST: undefined };
    await expectRefusal(
      ["status", "staging"],
      { cwd: clone, env },
      { exitCode: 2, says: [/coldtivate\.yml:\d+:\d+ +environments\.staging\.host: .*STAGING_SSH_HOST is not set/] },
    );
    expect(await coldtivate(["status", "production"], { cwd: clone, env })).toMatchObject({ exitCode: 0 });
  });
});

describe.concurrent("names", () => {
  test("of an environment that does not exist", async () => {
    await expectRefusal(["deploy", "stagin"], { cwd: clone }, { exitCode: 2, says: ["no environment stagin", "staging, production"] });
  });

  test.each(["build", "push"])("of an image that does not exist, for %s", async (command) => {
    await expectRefusal([command, "nosuch"], { cwd: clone }, { exitCode: 2, says: ["nosuch", "base-api", "gateway"] });
  });

  test("of a command and a flag that do not exist", async () => {
    await expectRefusal(
      ["deplyo", "staging"],
      { cwd: clone },
      { exitCode: 2, says: ["no command deplyo", "did you mean coldtivate deploy?"] },
    );
    await expectRefusal(["deploy", "staging", "--dryrun"], { cwd: clone }, { exitCode: 2, says: ["--dryrun", "did you mean --dry-run?"] });
    await expectRefusal(["deploy"], { cwd: clone }, { exitCode: 2, says: ["environment", "coldtivate deploy --help"] });
  });

  test("a reader who leaves early is no error", async () => {
    const { exitCode, stdout } = await run("bash", ["-o", "pipefail", "-c", "coldtivate deploy --help | head -n 1"], {
      cwd: clone,
      env: jobEnvironment(),
      extendEnv: false,
    });
    expect(exitCode).toBe(0);
    expect(stdout).not.toBe("");
  });
});

describe("what may be released where", () => {
  test("a tag that does not exist", async () => {
    await expectRefusal(
      ["deploy", "production", "--tag", "v9.9.9", "--yes"],
      { cwd: clone },
      { exitCode: 2, says: ['no tag "v9.9.9"', "git fetch --tags"] },
    );
  });

  test("a tag on staging, a branch on production: each is told what the environment takes", async () => {
    const cwd = await checkOut("main");
    await must("git", ["commit", "--allow-empty", "--quiet", "-m", "elsewhere"], { cwd });
    await must("git", ["tag", "elsewhere"], { cwd });
    await must("git", ["reset", "--quiet", "--hard", "HEAD~1"], { cwd });
    const before = [await hostContent("staging"), await hostContent("production")];
    await expectRefusal(["deploy", "staging", "--tag", "v1.2.0"], { cwd }, { exitCode: 3, says: ["branch main only", "v1.2.0", "--ref"] });
    await expectRefusal(["deploy", "staging", "--ref", "elsewhere"], { cwd }, { exitCode: 3, says: ["branch main only", "elsewhere"] });
    await expectRefusal(
      ["deploy", "production", "--ref", "main", "--yes"],
      { cwd },
      { exitCode: 3, says: ["tag v* only", "main", "--tag"] },
    );
    await expectRefusal(["deploy", "production", "--yes"], { cwd }, { exitCode: 3, says: ["tag v* only", "HEAD", "--tag"] });
    await expectRefusal(["deploy", "production", "--tag", "elsewhere"], { cwd }, { exitCode: 3, says: ["tag v* only", "elsewhere"] });
    expect([await hostContent("staging"), await hostContent("production")]).toEqual(before);
  });

  test("a commit whose images are not in the registry: every one is named, and no host is asked", async () => {
    const cwd = await checkOut("main");
    await must("git", ["commit", "--allow-empty", "--quiet", "-m", "not built"], { cwd });
    const commit = await must("git", ["rev-parse", "HEAD"], { cwd });
    const { stderr } = await expectRefusal(
      ["deploy", "staging"],
      { cwd, env: { STAGING_SSH_HOST: "127.0.0.1" } },
      { exitCode: 3, says: [`commit ${commit.slice(0, 8)}`, "Nothing was changed", "coldtivate build --push"] },
    );
    const tag = `:${commit.slice(0, 8)}`;
    const missing = stderr.split("\n").filter((line) => line.trim().startsWith(`${sandbox()["CI_REGISTRY_IMAGE"]}/`) && line.endsWith(tag));
    expect(missing).toHaveLength(10);
  });

  test("production without --yes and without a terminal", async () => {
    await ensureBuilt("v1.2.0");
    const { stderr } = await coldtivate(["deploy", "production", "--tag", "v1.2.0", "--dry-run"], { cwd: clone });
    expect(stderr).toBe("");
    const dotenv = await readFile(sandbox()["PRODUCTION_DOT_ENV"]!, "utf8");
    const before = await hostContent("production");
    await expectRefusal(
      ["deploy", "production", "--tag", "v1.2.0"],
      { cwd: clone, env: { PRODUCTION_DOT_ENV: `${dotenv}\nONE_MORE=yes\n` } },
      { exitCode: 2, says: ["Deploy this to production? No terminal to ask on", "--yes"] },
    );
    expect(await hostContent("production")).toBe(before);
  });
});

describe.concurrent("the way to a host", () => {
  // Images are looked up before a host is: the deploys here get as far as the host only with them.
  beforeAll(() => ensureBuilt("main"));

  const status = ["status", "staging"];

  test("a port that nobody listens on", async () => {
    const cwd = await checkOut("main");
    await edit(cwd, "coldtivate.yml", (text) => text.replace("user: ${STAGING_SSH_USER}", "port: 2222\n    user: ${STAGING_SSH_USER}"));
    await expectRefusal(
      status,
      { cwd },
      { exitCode: 3, says: [`${stagingHost()}: cannot connect: the connection was refused`, "port 2222"] },
    );
  });

  test("an address that nobody has, and a host that is silent: both are given up", async ({ onTestFinished }) => {
    const silent = createServer(() => {});
    onTestFinished(() => void silent.close());
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const cwd = await checkOut("main");
    const { port } = silent.address() as AddressInfo;
    await edit(cwd, "coldtivate.yml", (text) => text.replace("user: ${STAGING_SSH_USER}", `port: ${port}\n    user: \${STAGING_SSH_USER}`));
    const nobody = stagingHost().replace(/\.\d+$/, ".99");
    await Promise.all([
      expectRefusal(
        status,
        { cwd: clone, env: { STAGING_SSH_HOST: nobody } },
        { exitCode: 3, says: [`${nobody}: cannot connect: `, "firewall"] },
      ),
      expectRefusal(
        status,
        { cwd, env: { STAGING_SSH_HOST: "127.0.0.1" } },
        { exitCode: 3, says: ["127.0.0.1: cannot connect: no answer within 10 s"] },
      ),
    ]);
  });

  test("a name that nobody has", async () => {
    const env = { STAGING_SSH_HOST: "staging.invalid" };
    await expectRefusal(status, { cwd: clone, env }, { exitCode: 3, says: ["staging.invalid: there is no host of this name"] });
  });

  // Not beside the others: their questions bring scripts to the host while they last.
  test("a key that the host does not know: which one was offered, and the line that lets it in", { concurrent: false }, async () => {
    const { key, publicKey, fingerprint } = await makeKey();
    const before = await hostContent("staging");
    await expectRefusal(
      ["deploy", "staging"],
      { cwd: clone, env: { STAGING_SSH_PRIVATE_KEY: key } },
      { exitCode: 3, says: ["does not let deploy in", fingerprint, publicKey, "authorized_keys"] },
    );
    expect(await hostContent("staging")).toBe(before);
  });

  test("a key as content, with any line ends, is as good as its path", async () => {
    const content = await readFile(sandbox()["STAGING_SSH_PRIVATE_KEY"]!, "utf8");
    for (const key of [content, content.trimEnd(), content.replaceAll("\n", "\r\n")]) {
      const ran = await coldtivate(status, { cwd: clone, env: { STAGING_SSH_PRIVATE_KEY: key } });
      expect(ran, ran.output).toMatchObject({ exitCode: 0 });
    }
  });

  test.each([
    ["a word", "hunter2hunter2", "STAGING_SSH_PRIVATE_KEY"],
    ["a path that does not exist", "/nowhere/id_ed25519", "STAGING_SSH_PRIVATE_KEY"],
    ["text of several lines", "hunter2hunter2\nhunter3hunter3\n", "no complete private key"],
    ["half a key", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "damaged"],
    ["nothing but a line end", "\n", "empty"],
  ])("%s for a key is told without showing it", async (_name, key, says) => {
    const { output } = await expectRefusal(
      status,
      { cwd: clone, env: { STAGING_SSH_PRIVATE_KEY: key } },
      { exitCode: 2, says: [/coldtivate\.yml:\d+:\d+ +environments\.staging\.private_key/, says] },
    );
    expect(output).not.toMatch(/hunter|b3Blbn/);
  });

  test("a host key that is not the pinned one: both fingerprints", { concurrent: false }, async () => {
    const { STAGING_SSH_FINGERPRINT = "", PRODUCTION_SSH_FINGERPRINT = "" } = sandbox();
    const before = await hostContent("staging");
    await expectRefusal(
      ["deploy", "staging"],
      { cwd: clone, env: { STAGING_SSH_FINGERPRINT: PRODUCTION_SSH_FINGERPRINT } },
      {
        exitCode: 3,
        says: [
          "the host's key has changed",
          `expected   ${PRODUCTION_SSH_FINGERPRINT}`,
          `presented  ${STAGING_SSH_FINGERPRINT}`,
          "nothing was sent",
        ],
      },
    );
    expect(await hostContent("staging")).toBe(before);
  });

  test("a host key that is not the one in known_hosts: both fingerprints, and the old one's file", async () => {
    const { publicKey, fingerprint } = await makeKey();
    const { home, file } = await makeHome(`${stagingHost()} ${publicKey}\n`);
    await expectRefusal(
      status,
      { cwd: clone, env: { HOME: home, STAGING_SSH_FINGERPRINT: undefined } },
      {
        exitCode: 3,
        says: [
          "the host's key has changed",
          `expected   ${fingerprint} (ssh-ed25519) in ${file}`,
          `presented  ${sandbox()["STAGING_SSH_FINGERPRINT"]}`,
          `ssh-keygen -R '${stagingHost()}'`,
        ],
      },
    );
  });

  test("an unknown host key: its fingerprint, and two ways to accept it, both of which work", async () => {
    const { home, file } = await makeHome("");
    const env = { HOME: home, STAGING_SSH_FINGERPRINT: undefined };
    const { stderr } = await expectRefusal(
      status,
      { cwd: clone, env },
      { exitCode: 3, says: ["the host's key is not known", `presented  ${sandbox()["STAGING_SSH_FINGERPRINT"]}`, "nothing was sent"] },
    );

    const pinned = /^ +in coldtivate\.yml, for this host: +(fingerprint: \S+)$/m.exec(stderr)?.[1];
    const cwd = await checkOut("main");
    await edit(cwd, "coldtivate.yml", (text) => text.replace(/fingerprint: \$\{STAGING\S+/, pinned!));
    expect(await coldtivate(status, { cwd, env })).toMatchObject({ exitCode: 0 });

    const start = `  in ${file}:`;
    const known = stderr.split("\n").find((line) => line.startsWith(start));
    await writeFile(file, `${known?.slice(start.length).trim()}\n`);
    expect(await coldtivate(status, { cwd: clone, env })).toMatchObject({ exitCode: 0 });
  });
});

describe("the registry, before a deploy", () => {
  test.each([
    ["a wrong password", { CI_REGISTRY_PASSWORD: "not-the-password" }, ["refuses the credentials", "CI_REGISTRY_PASSWORD"]],
    ["half of the credentials", { CI_REGISTRY_PASSWORD: undefined }, ["CI_REGISTRY_PASSWORD is not set"]],
  ])("%s", async (_name, env, says) => {
    const before = await hostContent("staging");
    const exitCode = "CI_REGISTRY_PASSWORD" in env && env.CI_REGISTRY_PASSWORD === undefined ? 2 : 3;
    const { output } = await expectRefusal(["deploy", "staging"], { cwd: clone, env }, { exitCode, says });
    expect(output).not.toContain("not-the-password");
    // The host was connected to meanwhile, and sees only after the command's end that nothing will come.
    await expect.poll(() => hostContent("staging"), { timeout: 10_000 }).toBe(before);
  });

  test("nobody there", async () => {
    const image = sandbox()["CI_REGISTRY_IMAGE"]!.replace(":5000", ":5999");
    const address = image.slice(0, image.indexOf("/"));
    const env = { CI_REGISTRY_IMAGE: image, CI_REGISTRY: address };
    await expectRefusal(
      ["deploy", "staging"],
      { cwd: clone, env },
      { exitCode: 3, says: [`${address} cannot be reached`, "Nothing was changed"] },
    );
  });
});

describe.concurrent("--json", () => {
  test.each([
    ["a flag", ["deploy", "staging", "--dryrun"], "USAGE", "usage", 2],
    ["a command", ["deplyo"], "UNKNOWN_COMMAND", "usage", 2],
    ["the configuration", ["deploy", "staging", "--config", "nowhere.yml"], "CONFIG_MISSING", "usage", 2],
    ["a refusal", ["deploy", "staging", "--tag", "v1.2.0"], "REF_NOT_ALLOWED", "refused", 3],
  ])("an error about %s is one document", async (_name, args, code, exit, exitCode) => {
    const ran = await coldtivate([...args, "--json"], { cwd: clone });
    expect(ran).toMatchObject({ exitCode, stderr: "" });
    expect(JSON.parse(ran.stdout)).toMatchObject({
      error: { code, exit, exitCode, message: expect.stringMatching(/\S/), hint: expect.stringMatching(/\S/), details: expect.any(Array) },
    });
  });
});

describe("uncommitted files", () => {
  test("are not pushed: build --push names them", async () => {
    const cwd = await checkOut("main");
    await edit(cwd, "Base-API/manage.py", (text) => `${text}\n# unfinished\n`);
    await writeFile(join(cwd, "Gateway", "unfinished.html"), "");
    await expectRefusal(["build", "--push"], { cwd }, { exitCode: 3, says: ["Base-API/manage.py", "Gateway/unfinished.html", "ommit"] });
  });

  test("are not deployed: deploy says which it leaves out, and only those that matter", async () => {
    await ensureBuilt("main");
    const cwd = await checkOut("main");
    await edit(cwd, "docker-compose.yml", (text) => text.replace("restart: always", "restart: unless-stopped"));
    await writeFile(join(cwd, "Base-API", "unfinished.py"), "");
    await writeFile(join(cwd, "notes.txt"), "");
    const { exitCode, stdout, stderr } = await coldtivate(["deploy", "staging", "--dry-run"], { cwd });
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^! uncommitted changes are not part of the release: .*docker-compose\.yml/m);
    expect(stdout).toContain("Base-API/unfinished.py");
    expect(stdout).not.toContain("notes.txt");
  });
});

async function makeKey(): Promise<{ key: string; publicKey: string; fingerprint: string }> {
  const key = join(await makeFolder(), "id");
  await must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key]);
  const publicKey = (await readFile(`${key}.pub`, "utf8")).trim();
  const fingerprint = (await must("ssh-keygen", ["-lf", key])).split(" ")[1]!;
  return { key, publicKey, fingerprint };
}

/** A home with a known_hosts of its own. */
async function makeHome(knownHosts: string): Promise<{ home: string; file: string }> {
  const home = await makeFolder();
  await must("mkdir", ["-m", "700", join(home, ".ssh")]);
  const file = join(home, ".ssh", "known_hosts");
  await writeFile(file, knownHosts);
  return { home, file };
}
