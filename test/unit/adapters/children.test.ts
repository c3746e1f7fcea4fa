import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { startBake } from "../../../src/lib/adapters/buildkit/bake.ts";
import { inspectBuilder, mayAllowSsh, untagImages } from "../../../src/lib/adapters/buildkit/buildkit.ts";
import { openLocalDocker } from "../../../src/lib/adapters/docker/docker-local.ts";
import { tryLogin } from "../../../src/lib/adapters/docker/docker-login.ts";
import { openObjects } from "../../../src/lib/adapters/git/git-objects.ts";
import { tryGit } from "../../../src/lib/adapters/git/git-run.ts";
import { runHook } from "../../../src/lib/adapters/hook-process.ts";
import { createPrivateDirectory } from "../../../src/lib/adapters/private-directory.ts";
import { findCredentials } from "../../../src/lib/adapters/registry/registry-credentials.ts";
import { checkAgent, startAgent } from "../../../src/lib/adapters/ssh/keys/ssh-agent.ts";
import { fetchSubmodules } from "../../../src/lib/adapters/git/submodules.ts";
import { hookEnvironment } from "../../../src/lib/secrets/child-environment.ts";
import { Secret } from "../../../src/lib/secrets/secret.ts";

/** What a job's environment has, and no program that we start has any business with. */
const secrets = (
  "PRODUCTION_SSH_PRIVATE_KEY PRODUCTION_DOT_ENV CI_REGISTRY_PASSWORD CI_DEPLOY_PASSWORD BUILD_TOKEN NPM_TOKEN " +
  "DOCKER_AUTH_CONFIG DOCKER_PASSWORD GIT_PASSWORD BUILDX_SECRET XDG_TOKEN PGPASSWORD"
).split(" ");
const helperSecrets = ["AWS_SECRET_ACCESS_KEY", "VAULT_TOKEN", "AZURE_CLIENT_SECRET"];
const remoteSecrets = ["CI_JOB_TOKEN"];
const settings = {
  LANG: "C.UTF-8",
  HTTPS_PROXY: "http://proxy.example.com",
  SSH_AUTH_SOCK: "/nowhere/agent",
  DOCKER_HOST: "unix:///nowhere",
  BUILDX_BUILDER: "mine",
  GIT_SSL_NO_VERIFY: "0",
};

let folder: string;

/** Fake programs, first on PATH, that write down what they get of the environment. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coldtivate-children-"));
  mkdirSync(join(folder, "bin"));
  mkdirSync(join(folder, "seen"));
  for (const name of ["git", "docker", "docker-credential-ecr-login", "ssh-add", "ssh-agent", "hook"]) {
    const script = `env -0 >"${folder}/$$" && mv "${folder}/$$" "${folder}/seen/${name}-$$"\n[[ "$*" != *"submodule status"* ]] || echo "-0123 module"\n`;
    writeFileSync(join(folder, "bin", name), `#!/bin/bash\n${script}`);
    chmodSync(join(folder, "bin", name), 0o755);
  }
  writeFileSync(join(folder, "config.json"), JSON.stringify({ credHelpers: { "r.example.com": "ecr-login" } }));
  vi.stubEnv("PATH", `${folder}/bin${delimiter}${process.env["PATH"]}`);
  vi.stubEnv("DOCKER_CONFIG", folder);
  for (const name of [...secrets, ...helperSecrets, ...remoteSecrets]) vi.stubEnv(name, `canary-${name}`);
  vi.stubEnv("DOCKER_AUTH_CONFIG", '{"auths": {"other.example.com": {"auth": "Y2FuYXJ5OmNhbmFyeQ=="}}}');
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** The environments that a program was started with. */
async function seenBy(program: string): Promise<Record<string, string>[]> {
  const files = (await readdir(join(folder, "seen"))).filter((name) => name.slice(0, name.lastIndexOf("-")) === program);
  return Promise.all(
    files.map(async (name) => {
      const entries = (await readFile(join(folder, "seen", name), "utf8")).split("\0").filter((entry) => entry !== "");
      return Object.fromEntries(entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]));
    }),
  );
}

const { signal } = new AbortController();
const ignore = () => {};

const children: [string, string, () => Promise<unknown>, { times?: number; gets?: string[] }][] = [
  ["git", "git", () => tryGit(folder, ["status"]), { gets: ["HTTPS_PROXY", "GIT_SSL_NO_VERIFY", "SSH_AUTH_SOCK"] }],
  ["git that reads objects", "git", async () => openObjects(folder)[Symbol.dispose](), {}],
  ["git that fetches", "git", () => fetchSubmodules(folder, ["module"]), { times: 2, gets: ["SSH_AUTH_SOCK"] }],
  ["buildx that looks", "docker", () => inspectBuilder(signal), { gets: ["DOCKER_HOST", "BUILDX_BUILDER", "SSH_AUTH_SOCK"] }],
  ["buildx that tells its version", "docker", () => mayAllowSsh(signal), {}],
  ["docker image rm", "docker", () => untagImages(["a"], signal), {}],
  ["docker that is asked", "docker", () => openLocalDocker().ping().catch(ignore), { gets: ["DOCKER_HOST"] }],
  [
    "docker login",
    "docker",
    () =>
      tryLogin({ host: "r.example.com", credentials: { username: "me", password: new Secret("canary-pass") } }, { DOCKER_CONFIG: folder }),
    { gets: ["DOCKER_HOST", "HTTPS_PROXY"] },
  ],
  ["a build", "docker", bake, { gets: ["DOCKER_HOST", "BUILDX_BUILDER", "AWS_SECRET_ACCESS_KEY"] }],
  [
    "a credential helper",
    "docker-credential-ecr-login",
    () => findCredentials("r.example.com"),
    { gets: ["AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY"] },
  ],
  ["ssh-add", "ssh-add", () => checkAgent(), { gets: ["SSH_AUTH_SOCK"] }],
  ["an agent of our own", "ssh-agent", agent, { times: 2 }],
];

async function bake(): Promise<void> {
  const start = { directory: folder, privateDirectory: folder, output: "load", env: {}, ssh: false, provenance: false, signal } as const;
  await using started = await startBake(start);
  await started
    .make({ group: { default: { targets: [] } }, target: {} }, { builder: { cacheExport: true }, signal, onStatus: ignore })
    .catch(ignore);
}

async function agent(): Promise<void> {
  await using directory = createPrivateDirectory();
  await startAgent(new Secret("canary-key"), directory).catch(ignore);
}

test.each(children)(
  "%s gets what it needs of the environment, and no secret of others",
  async (_what, program, start, { times = 1, gets = [] }) => {
    await start();
    await expect.poll(async () => (await seenBy(program)).length, { timeout: 30_000 }).toBeGreaterThanOrEqual(times);
    for (const env of await seenBy(program)) {
      expect(Object.keys(env)).toEqual(expect.arrayContaining(["PATH", "HOME", "LANG"]));
      const allowed = new Set([...gets, ...(program === "git" ? remoteSecrets : [])]);
      expect(Object.entries(env).filter(([name, value]) => value.includes("canary") && !allowed.has(name))).toEqual([]);
    }
    const all = (await seenBy(program)).flatMap((env) => Object.keys(env));
    expect(all).toEqual(expect.arrayContaining(gets));
  },
);

test("only a git that fetches gets the job's token", async () => {
  await tryGit(folder, ["status"]);
  expect((await seenBy("git"))[0]).not.toHaveProperty("CI_JOB_TOKEN");
  await fetchSubmodules(folder, ["module"]);
  expect((await seenBy("git")).map(({ CI_JOB_TOKEN: token }) => token)).toContain("canary-CI_JOB_TOKEN");
});

test("a hook gets the environment but what coldtivate.yml takes secrets from, and what it is told of", async () => {
  const env = hookEnvironment(["PRODUCTION_SSH_PRIVATE_KEY", "BUILD_TOKEN"], { COLDTIVATE_ACTION: "build" });
  await runHook({ command: ["hook"], directory: folder, env, timeout: 10_000, onLine: ignore });
  const [seen] = await seenBy("hook");
  expect(seen).toMatchObject({ COLDTIVATE_ACTION: "build", NPM_TOKEN: "canary-NPM_TOKEN", HTTPS_PROXY: "http://proxy.example.com" });
  expect(Object.keys(seen!)).not.toEqual(expect.arrayContaining(["BUILD_TOKEN"]));
  expect(Object.keys(seen!)).not.toEqual(expect.arrayContaining(["PRODUCTION_SSH_PRIVATE_KEY"]));
});

test("every program gets what the user wants it to", async () => {
  vi.stubEnv("COLDTIVATE_KEEP_ENV", "NPM_TOKEN, VAULT_TOKEN");
  await tryGit(folder, ["status"]);
  await runHook({ command: ["hook"], directory: folder, env: hookEnvironment(["NPM_TOKEN"], {}), timeout: 10_000, onLine: ignore });
  for (const [seen] of [await seenBy("git"), await seenBy("hook")]) {
    expect(seen).toMatchObject({ NPM_TOKEN: "canary-NPM_TOKEN", VAULT_TOKEN: "canary-VAULT_TOKEN" });
  }
  expect((await seenBy("git"))[0]).not.toHaveProperty("BUILD_TOKEN");
});

describe("no program is started with an environment that nobody chose", async () => {
  const starts = /\b(?:execa|spawn|spawnSync|execFile|execFileSync|fork)\(/g;
  const source = new URL("../../../src", import.meta.url).pathname;
  const files = (await readdir(source, { recursive: true })).filter((name) => name.endsWith(".ts"));
  const starting = files
    .map((name) => [name, readFileSync(join(source, name), "utf8")] as const)
    .filter(([, text]) => text.match(starts) !== null);

  test.each(starting)("%s", (_name, text) => {
    const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
    expect(count(/\benv(?::|,| })|\.\.\.bare\(/g), "each needs env: childEnvironment(…)").toBeGreaterThanOrEqual(count(starts));
    expect(count(/\bextendEnv: false|\.\.\.bare\(/g), "and extendEnv: false, by execa").toBeGreaterThanOrEqual(count(/\bexeca\(/g));
    expect(text).not.toMatch(/\.\.\.process\.env\b|\.\.\.\w+ \} = process\.env/);
  });
});
