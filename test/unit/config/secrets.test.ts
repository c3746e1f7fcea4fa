import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { redactor } from "../../../src/lib/secrets/redactor.ts";
import { createProject, minimal } from "./project.ts";

let keys: string;
beforeAll(() => {
  keys = mkdtempSync(join(tmpdir(), "coldtivate-keys-"));
  const generate = (name: string, passphrase: string, ...options: string[]): void =>
    void execFileSync("ssh-keygen", ["-q", "-N", passphrase, "-f", join(keys, name), ...options]);
  generate("ed25519", "", "-t", "ed25519");
  generate("rsa", "", "-t", "rsa", "-b", "2048");
  generate("pem", "", "-t", "rsa", "-b", "2048", "-m", "PEM");
  generate("pkcs8", "", "-t", "ecdsa", "-m", "PKCS8");
  generate("locked", "passphrase", "-t", "ed25519");
  generate("locked-pem", "passphrase", "-t", "rsa", "-b", "2048", "-m", "PEM");
  generate("locked-pkcs8", "passphrase", "-t", "rsa", "-b", "2048", "-m", "PKCS8");
});
afterAll(() => rmSync(keys, { recursive: true }));

const withKey = minimal.replace("user: deploy", "user: deploy, private_key: '${KEY}', dotenv: '${DOTENV:-A=1}'");
const read = (name: string): string => readFileSync(join(keys, name), "utf8");

async function loadKey(value: string): Promise<string | undefined> {
  await using project = await createProject(withKey);
  const config = await project.load({ environment: "staging", env: { KEY: value } });
  return config.environments["staging"]?.hosts[0]?.privateKey?.reveal();
}

async function keyProblem(value: string): Promise<string> {
  await using project = await createProject(withKey);
  const details = await project.problems({ environment: "staging", env: { KEY: value } });
  expect(details).toHaveLength(1);
  expect(details[0]).toMatch(/^coldtivate\.yml:6:86 {2}environments\.staging\.private_key: /);
  return details[0]!.replace(/^.*private_key: /, "");
}

test.each(["ed25519", "rsa", "pem", "pkcs8"])(
  "a private key (%s) is taken as a path and as its content, however that was mangled",
  async (name) => {
    const key = read(name);
    expect(await loadKey(join(keys, name))).toBe(key);
    expect(await loadKey(key)).toBe(key);
    expect(await loadKey(key.trim())).toBe(key);
    expect(await loadKey(`\n${key.replaceAll("\n", "\r\n")}\r\n`)).toBe(key);
    for (const end of [String.raw`\n`, String.raw`\r\n`, " ", "", "\n    ", "\n\n", "\t"])
      expect(await loadKey(key.replaceAll("\n", end))).toBe(key);
    for (const quote of ['"', "'"]) expect(await loadKey(quote + key + quote)).toBe(key);
    expect(await loadKey(`"${key.trim().replaceAll("\n", String.raw`\n`)}"`)).toBe(key);
    expect(await loadKey(`\uFEFF${key}`)).toBe(key);
    expect(await loadKey(Buffer.from(key).toString("base64"))).toBe(key);
  },
);

test("a key that could be read in more than one way is left alone, and what is wrong is said", async () => {
  const key = read("ed25519");
  expect(await keyProblem(`KEY=${key}`)).toContain("there is something else around or within it");
  expect(await keyProblem(`"${key}`)).toContain("there is something else around or within it");
  expect(await keyProblem(key + read("rsa"))).toContain("there are several keys");
  expect(await keyProblem(key.replace("b3Bl", "b3*l"))).toBe("this private key is damaged or cut short");
  expect(await keyProblem(key.replace(/\n-----END.*/, ""))).toContain("its end is missing");
  expect(await keyProblem(key.split("\n").slice(1).join("\n"))).toContain("its beginning is missing");
});

test("a key that cannot be used is said to be so, and none of it is shown", async () => {
  for (const name of ["locked", "locked-pem", "locked-pkcs8"]) expect(await keyProblem(read(name))).toContain("this key has a passphrase");
  expect(await keyProblem(read("ed25519.pub"))).toContain("this is a public key");
  expect(await keyProblem(join(keys, "ed25519.pub"))).toContain("this is a public key");
  const lines = read("ed25519").split("\n");
  expect(await keyProblem(lines.toSpliced(2, 1).join("\n"))).toBe("this private key is damaged or cut short");
  expect(await keyProblem(lines.slice(0, 3).join("\n"))).toContain("this is no complete private key");
  expect(await keyProblem(read("pem").replace(/\n.{10}/, "\n"))).toBe("this private key is damaged or cut short");
  expect(await keyProblem("PuTTY-User-Key-File-3: ssh-ed25519\nx")).toContain("PuTTY");
  expect(await keyProblem(" \n")).toBe("the private key is empty");
});

test("a path that leads nowhere names the variable, and is shown only when it surely is a path", async () => {
  expect(await keyProblem(join(keys, "none"))).toBe(`there is no file ${join(keys, "none")}`);
  expect(await keyProblem("hunter2")).toBe("the value of KEY is neither a file that exists nor the content of a private key");
  expect(await keyProblem("/AAAAB3NzaC1yc2E/secret")).toBe(
    "the value of KEY is neither a file that exists nor the content of a private key",
  );
  expect(await keyProblem(keys)).toContain("there is no file");
});

test("a file that may not be read is said to be so", async () => {
  mkdirSync(join(keys, "folder"));
  await using project = await createProject(minimal.replace("user: deploy", `user: deploy, dotenv: { file: ${join(keys, "folder")} }`));
  expect((await project.problems({ environment: "staging" }))[0]).toContain("it is a folder");
  await project.write("coldtivate.yml", minimal.replace("user: deploy", "user: deploy, dotenv: { file: none.env }"));
  expect((await project.problems({ environment: "staging" }))[0]).toContain("cannot read none.env: there is no such file");
});

test("a dotenv is taken as a path and as its content; a mistyped path is neither", async () => {
  await using project = await createProject(withKey);
  const load = async (value: string) => {
    const config = await project.load({ environment: "staging", env: { KEY: read("ed25519"), DOTENV: value } });
    const { dotenv, dotenvSource } = config.environments["staging"]!;
    return [dotenv?.reveal(), dotenvSource];
  };
  await project.write("a=b.env", "PATHS=1\n");
  await project.write(".env.staging", "FILE=1\n");
  expect(await load(".env.staging")).toEqual(["FILE=1\n", ".env.staging"]);
  expect(await load("a=b.env")).toEqual(["PATHS=1\n", "a=b.env"]);
  expect(await load("ONE=line")).toEqual(["ONE=line", "DOTENV"]);
  expect(await load("# two\nLINES=1")).toEqual(["# two\nLINES=1", "DOTENV"]);
  const details = await project.problems({ environment: "staging", env: { KEY: read("ed25519"), DOTENV: "./.env.stagin" } });
  expect(details).toEqual([expect.stringContaining("environments.staging.dotenv: there is no file ./.env.stagin")]);
});

/** A configuration whose registry password comes from a source. */
function password(source: string): string {
  return minimal.replace(/registry: .*/, `registry: { image: r.example.com/a, username: me, password: ${source} }`);
}

test("secrets come from programs, files and variables; a program's failure shows nothing of it", async () => {
  await using project = await createProject(password("{ command: [printf, 'a b\\n'] }"));
  const load = async (env: NodeJS.ProcessEnv = {}) =>
    (await project.load({ env: { PATH: process.env["PATH"], ...env } })).registry.credentials?.password.reveal();
  expect(await load()).toBe("a b");
  await project.write("token", "from-file\n");
  await project.write("coldtivate.yml", password("{ file: token }"));
  expect(await load()).toBe("from-file");
  await project.write("coldtivate.yml", password("{ env: TOKEN }"));
  expect(await load({ TOKEN: "from-variable" })).toBe("from-variable");
  expect((await project.problems())[0]).toContain("registry.password: the variable TOKEN is not set");
  await project.write("coldtivate.yml", password("token"));
  expect(await load()).toBe("token");

  await project.write("fails", "#!/bin/sh\necho s3cret >&2; exit 7\n");
  chmodSync(join(project.directory, "fails"), 0o700);
  await project.write("coldtivate.yml", password("{ command: [./fails, --token, hidden] }"));
  expect(await project.problems()).toEqual([
    expect.stringMatching(/registry\.password: \.\/fails exited with 7; run it by hand to see why$/),
  ]);
  await project.write("coldtivate.yml", password("{ command: [no-such-program] }"));
  expect(await project.problems()).toEqual([expect.stringContaining("registry.password: there is no program no-such-program")]);
});

test("no program is run for a configuration that is refused anyway", async () => {
  await using project = await createProject(
    `${minimal.replace(/registry: .*/, "registry: { image: r.example.com/a, username: me, password: { command: [touch, ran] } }")}oops: 1\n`,
  );
  expect(await project.problems({ env: { PATH: process.env["PATH"] } })).toHaveLength(1);
  expect(() => readFileSync(join(project.directory, "ran"))).toThrow("ENOENT");
});

test("registry credentials: both, or none, and one alone is a mistake", async () => {
  await using project = await createProject(
    minimal.replace(/registry: .*/, "registry: { image: r.example.com/a, username: '${U}', password: '${P}' }"),
  );
  expect((await project.load()).registry.credentials).toBeUndefined();
  expect((await project.load({ env: { U: "", P: "" } })).registry.credentials).toBeUndefined();
  expect((await project.load({ env: { U: "me", P: "pass" } })).registry.credentials?.username).toBe("me");
  expect(await project.problems({ env: { U: "me" } })).toEqual([
    "coldtivate.yml:2:65  registry.password: the variable P is not set, although registry.username is there: give both, or neither to use your own Docker login",
  ]);
  expect((await project.problems({ env: { P: "pass", U: "" } }))[0]).toMatch(
    /^coldtivate\.yml:2:\d+ {2}registry\.username: U is empty, although/,
  );
});

test("loaded secrets stay out of text, objects and the registry's authorisation", async () => {
  await using project = await createProject(
    minimal.replace(/registry: .*/, "registry: { image: r.example.com/a, username: me, password: '${P}' }"),
  );
  const config = await project.load({ env: { P: "pa55-word" } });
  expect(JSON.stringify(config)).not.toContain("pa55");
  expect(redactor.redact(`a pa55-word, ${Buffer.from("me:pa55-word").toString("base64")}`)).toBe("a ***, ***");
});

test("a program gets the environment without what coldtivate.yml takes secrets from, for any environment", async () => {
  const settings = minimal
    .replace(
      /registry: .*/,
      "registry: { image: r.example.com/a, username: me, password: { command: [sh, -c, 'env -0 > seen; echo x1y2z3w4'] } }",
    )
    .replace("user: deploy", "user: deploy, private_key: '${STAGING_KEY:-}', dotenv: { env: STAGING_DOTENV }");
  await using project = await createProject(
    `${settings}build: { secrets: { npm: { env: NPM_ONE } } }\nwebhook: "\${CHAT:-}"\n  `.replace(
      "environments:",
      "environments:\n  production: { host: p.example.com, user: d, branches: [main], compose: [docker-compose.yml], private_key: '${PROD_KEY}' }",
    ),
  );
  const secret = { STAGING_KEY: "k1", STAGING_DOTENV: "A=1", NPM_ONE: "n1", PROD_KEY: "p1", CHAT: "https://chat.example.com/x" };
  const other = { OP_SERVICE_ACCOUNT_TOKEN: "needed", KEPT: "1", PATH: process.env["PATH"]! };
  const see = async (env: Record<string, string>) => {
    await project.load({ env: { ...secret, ...other, ...env } });
    const seen = readFileSync(join(project.directory, "seen"), "utf8").split("\0");
    return Object.keys(secret).filter((name) => seen.some((entry) => entry.startsWith(`${name}=`)));
  };
  expect(await see({})).toEqual([]);
  expect(readFileSync(join(project.directory, "seen"), "utf8")).toContain("OP_SERVICE_ACCOUNT_TOKEN=needed");
  expect(await see({ COLDTIVATE_KEEP_ENV: "NPM_ONE" })).toEqual(["NPM_ONE"]);
});

test("what a program prints has an end", async () => {
  const settings = minimal.replace(/registry: .*/, "registry: { image: r.example.com/a, username: me, password: { command: [yes] } }");
  await using project = await createProject(settings);
  expect((await project.problems()).join()).toContain("yes printed more than 1 MiB");
});

test("secrets of the environment that no command needs are kept out of output, too: hooks print them", async () => {
  await using project = await createProject(`${minimal}webhook: "\${CHAT}"\n`);
  const auth = Buffer.from("me:pa55-of-docker").toString("base64");
  const env = {
    CI_JOB_TOKEN: "t0ken-of-the-job",
    CI_REPOSITORY_URL: "https://gitlab-ci-token:t0ken-in-url@gitlab.example.com/a.git",
    DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { "r.example.com": { auth } } }),
    CHAT: "https://chat.example.com/services/T0/B0",
    CI_API_V4_URL: "https://gitlab.example.com/api/v4",
    KEY_FILE: "/keys/of-the-job",
    TOKEN_TTL: "3600-seconds",
  };
  await project.load({ environment: "staging", needs: ["hosts"], env });
  expect(redactor.redact(Object.values(env).join(" "))).toBe(
    '*** https://gitlab-ci-token:***@gitlab.example.com/a.git {"auths":{"r.example.com":{"auth":"***"}}} *** ' +
      "https://gitlab.example.com/api/v4 /keys/of-the-job 3600-seconds",
  );
  expect(redactor.redact("pa55-of-docker t0ken-in-url")).toBe("*** ***");
});

test("a secret that cannot be kept out of output is told of by its variable, or its place", async () => {
  await using project = await createProject(
    `${minimal.replace(/registry: .*/, "registry: { image: r.example.com/a, username: me, password: '${SHORT_ONE}' }")}webhook: https://a\nbuild: { secrets: { pin: { command: [echo, "12"] }, npm: { env: NPM_ONE } } }\n`,
  );
  const told: string[] = [];
  redactor.onWeak = (name, weakness) => told.push(`${name} is ${weakness}`);
  await project.load({ needs: ["build"], env: { PATH: process.env["PATH"], SHORT_ONE: "pw", NPM_ONE: "production" } });
  redactor.onWeak = () => {};
  expect(told).toEqual(expect.arrayContaining(["SHORT_ONE is too short", "build.secrets.pin is too short", "NPM_ONE is an ordinary word"]));
});

test("a private key's lines are redacted one by one, its frame is not", async () => {
  const key = (await loadKey(read("ed25519")))!;
  expect(redactor.redact(key)).toBe("***\n");
  const numbered = redactor.redact(key.replace(/^/gm, "1: "));
  expect(numbered).toMatch(/^1: -----BEGIN OPENSSH PRIVATE KEY-----\n(1: \*\*\*\n)+1: -----END OPENSSH PRIVATE KEY-----\n1: $/);
  await loadKey(key.replaceAll("\n", " "));
  expect(redactor.redact(key.trim().replaceAll("\n", " "))).toBe("***");
});

test("secrets in variables are redacted even where the command has no need of them, paths are not", async () => {
  await using project = await createProject(
    `${minimal}build:\n  ssh_key: "\${SUBMODULES}"\n  secrets: { npm: { env: NPM_TOKEN }, pip: { env: PIP_TOKEN } }\n`,
  );
  const env = { SUBMODULES: join(keys, "ed25519"), NPM_TOKEN: "n0t-needed", PIP_TOKEN: "/run/secrets/pip" };
  await project.load({ environment: "staging", env });
  const { SUBMODULES, NPM_TOKEN, PIP_TOKEN } = env;
  expect(redactor.redact(`${SUBMODULES} ${NPM_TOKEN} ${PIP_TOKEN}`)).toBe(`${SUBMODULES} *** ${PIP_TOKEN}`);
});
