import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseFields } from "../../../src/lib/host/observation.ts";
import { fakeDocker } from "../adapters/fake-docker.ts";

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;

let home: string;
let state: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "coldtivate-verbs-"));
  state = join(home, ".coldtivate/shop-staging");
});
afterEach(() => rmSync(home, { recursive: true }));

async function run(verb: string[], env: Record<string, string> = {}) {
  const args = ["scripts/environment-deployment-management.sh", "-p", "shop-staging", "-c", ...verb];
  const { exitCode, stdout, stderr } = await execa("bash", args, { env: { HOME: home, ...env }, reject: false, stripFinalNewline: false });
  return { exitCode, stdout, stderr };
}

const fieldsOf = async (...verb: string[]) => Object.fromEntries(parseFields("a", Buffer.from((await run(verb)).stdout)));

/** Keeps a release in the state. */
function keep(id: string, files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    const file = join(state, "releases", id, path);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, content);
  }
}

test("where nothing was deployed, nothing serves and nothing is kept", async () => {
  expect(await fieldsOf("serving")).toEqual({ manifest: "", committed_at: "", locked: "", running: "" });
  expect(await run(["kept_images"])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  expect(await run(["kept_release", "current"])).toMatchObject({ exitCode: 1, stdout: "" });
});

test("what serves is told with the time of its commit and with the lock", async () => {
  keep("r1", { "manifest.json": '{"id":"r1"}\n', journal: "1795500000000000\t7\tcommitted\t\n1795500000000009\t0\tfinished\t\n" });
  symlinkSync("releases/r1", join(state, "current"));
  writeFileSync(join(state, "locked"), "ann\t2026-11-23\tmoving\n");
  expect(await fieldsOf("serving")).toEqual({
    manifest: '{"id":"r1"}',
    committed_at: "1795500000000000",
    locked: "ann\t2026-11-23\tmoving",
    running: "",
  });
});

test("a release is told file by file, and an incomplete one is an error", async () => {
  const files = { "manifest.json": "{}", "compose.json": '{"name":"ö"}\n', "plan.full": "commit\n", "fronts/web.cfg": "global\n" };
  keep("r1", { ...files, "hooks/after": "#!/bin/sh\n", log: "x" });
  symlinkSync("releases/r1", join(state, "current"));
  for (const id of ["r1", "current"]) expect(await fieldsOf("kept_release", id)).toEqual({ ...files, hooks: "hooks/after" });
  keep("r2", { "manifest.json": "{}" });
  expect(await run(["kept_release", "r2"])).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("compose.json") as string });
  expect(await run(["kept_release", "r3"])).toMatchObject({ exitCode: 1, stdout: "" });
});

test("a release of an older coldtivate, whose full plan has another name, is told all the same", async () => {
  keep("r1", { "manifest.json": "{}", "compose.json": "{}", "plan.whole": "commit\n" });
  expect(await fieldsOf("kept_release", "r1")).toMatchObject({ "plan.full": "commit\n" });
});

test("images are those that any release names; a state without releases is an error", async () => {
  keep("r1", { images: `r/web@${digest("1")}\n`, "compose.json": `"image":"r/db@${digest("2")}"`, log: digest("3") });
  const { exitCode, stdout } = await run(["kept_images"]);
  expect([exitCode, stdout.trim().split("\n").toSorted()]).toEqual([0, [digest("1"), digest("2")]]);
  rmSync(join(state, "releases/r1"), { recursive: true });
  expect(await run(["kept_images"])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  rmSync(join(state, "releases"), { recursive: true });
  expect(await run(["kept_images"])).toMatchObject({ exitCode: 1, stdout: "" });
});

test("the engine's place is told only where the user has selected one", async () => {
  using _docker = fakeDocker("echo unix:///run/user/1000/docker.sock");
  const env = { DOCKER_CONFIG: join(home, ".docker"), DOCKER_HOST: "", DOCKER_CONTEXT: "" };
  expect(await run(["engine_socket"], env)).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  expect((await run(["engine_socket"], { ...env, DOCKER_CONTEXT: "rootless" })).stdout).toBe("unix:///run/user/1000/docker.sock\n");
  mkdirSync(env.DOCKER_CONFIG);
  writeFileSync(join(env.DOCKER_CONFIG, "config.json"), '{"currentContext": "rootless"}');
  expect((await run(["engine_socket"], env)).stdout).toBe("unix:///run/user/1000/docker.sock\n");
});
