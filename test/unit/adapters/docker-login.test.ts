import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { readlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { logInToRegistry, noteLogin } from "../../../src/lib/adapters/docker/docker-login.ts";
import { createPrivateDirectory } from "../../../src/lib/adapters/private-directory.ts";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import { fakeDocker } from "./fake-docker.ts";

const host = "r.example.com:5000";
const credentials = { username: "robot", password: new Secret("pass-word-1") };

test("the password goes over standard input into a configuration that only the user can read", async () => {
  using docker = fakeDocker("exit 0");
  await using directory = createPrivateDirectory();
  const env = await logInToRegistry({ host, credentials }, directory);

  const [call] = docker.calls();
  expect(call?.args).toEqual(["login", "--username", "robot", "--password-stdin", host]);
  expect(call?.stdin).toBe("pass-word-1");
  expect(JSON.stringify([call?.args, call?.env])).not.toContain("pass-word-1");
  expect(call?.env["DOCKER_CONFIG"]).toBe(directory.path);
  expect(env["DOCKER_CONFIG"]).toBe(directory.path);
  expect(statSync(directory.path).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory.path, "config.json")).mode & 0o777).toBe(0o600);
});

test("what works through the user's own configuration works on, but the login stays out of the keychain", async () => {
  using docker = fakeDocker("exit 0");
  mkdirSync(join(docker.config, "cli-plugins"));
  const own = {
    credsStore: "desktop",
    currentContext: "remote",
    proxies: { default: { httpProxy: "http://p" } },
    credHelpers: { "gcr.io": "gcloud" },
  };
  writeFileSync(join(docker.config, "config.json"), JSON.stringify(own));
  await using directory = createPrivateDirectory();
  const env = await logInToRegistry({ host, credentials }, directory);

  expect(JSON.parse(readFileSync(join(directory.path, "config.json"), "utf8"))).toEqual({
    ...own,
    credHelpers: { "gcr.io": "gcloud", [host]: "" },
  });
  expect(await readlink(join(directory.path, "cli-plugins"))).toBe(join(docker.config, "cli-plugins"));
  expect(env["BUILDX_CONFIG"]).toBe(join(docker.config, "buildx"));
});

test("without credentials the user's own login counts, and nothing is written", async () => {
  using docker = fakeDocker("exit 1");
  await using directory = createPrivateDirectory();
  expect(await logInToRegistry({ host }, directory)).toEqual({});
  expect(docker.calls()).toEqual([]);
});

test("logins that a CI job brings along are there for docker, with the registry's own and without it", async () => {
  using _ = fakeDocker("exit 0");
  vi.stubEnv("DOCKER_AUTH_CONFIG", JSON.stringify({ auths: { "base.example.com": { auth: "cm9ib3Q6YmFzZS13b3Jk" } } }));
  onTestFinished(() => void vi.unstubAllEnvs());
  for (const own of [{ host }, { host, credentials }]) {
    await using directory = createPrivateDirectory();
    expect(await logInToRegistry(own, directory)).toMatchObject({ DOCKER_CONFIG: directory.path });
    expect(JSON.parse(readFileSync(join(directory.path, "config.json"), "utf8"))).toMatchObject({
      auths: { "base.example.com": { auth: "cm9ib3Q6YmFzZS13b3Jk" } },
      credHelpers: { "base.example.com": "" },
    });
  }
});

test("for a builder elsewhere the login is noted without an engine, beside the user's own ones", async () => {
  using docker = fakeDocker("exit 1");
  writeFileSync(join(docker.config, "config.json"), JSON.stringify({ credsStore: "desktop", auths: { "gcr.io": { auth: "x" } } }));
  await using directory = createPrivateDirectory();
  expect(await noteLogin({ host, credentials }, directory)).toMatchObject({ DOCKER_CONFIG: directory.path });
  expect(JSON.parse(readFileSync(join(directory.path, "config.json"), "utf8"))).toEqual({
    credsStore: "desktop",
    auths: { "gcr.io": { auth: "x" }, [host]: { auth: Buffer.from("robot:pass-word-1").toString("base64") } },
    credHelpers: { [host]: "" },
  });
  expect(statSync(join(directory.path, "config.json")).mode & 0o777).toBe(0o600);
  expect(await noteLogin({ host }, directory)).toEqual({});
  expect(docker.calls()).toEqual([]);
});

test.each([
  [
    "echo 'Error response from daemon: login attempt to http://x/v2/ failed with status: 401 Unauthorized' >&2; exit 1",
    "REGISTRY_UNAUTHORIZED",
  ],
  ["echo 'Error response from daemon: Get \"http://x/v2/\": dial tcp: connect: connection refused' >&2; exit 1", "REGISTRY_UNREACHABLE"],
  ["echo 'Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?' >&2; exit 1", "DOCKER_UNREACHABLE"],
])("a login that fails with %s is %s", async (body, code) => {
  using _ = fakeDocker(body);
  await using directory = createPrivateDirectory();
  await expect(logInToRegistry({ host, credentials }, directory)).rejects.toMatchObject({ code, exit: "refused" });
});
