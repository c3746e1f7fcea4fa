import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { expectRest, holdPulls, readContainers, readServices } from "./host-state.ts";
import { start, startOnTerminal } from "./live-command.ts";
import { ask, checkOut, coldtivate, commitAll, ensureBuilt, must, onHost, sandbox, stagingHost, makeFolder } from "./world.ts";

const interrupted = 130;

describe("an interrupted deploy", () => {
  let clone: string;
  let before: string;

  beforeAll(async () => {
    await ensureBuilt("main");
    clone = await checkOut("main");
    expect(await coldtivate(["deploy", "staging"], { cwd: clone })).toMatchObject({ exitCode: 0 });
    await writeFile(join(clone, "Base-API", "NEWS"), "a new version\n");
    await commitAll(clone, "feat: news");
    expect(await coldtivate(["build", "--push"], { cwd: clone })).toMatchObject({ exitCode: 0 });
  });

  beforeEach(async () => {
    before = await readServices("staging");
  });

  afterAll(async () => {
    const main = await checkOut("main");
    await coldtivate(["deploy", "staging"], { cwd: main });
  });

  /** Runs once in each deploy instead of the monorepo's own tasks. */
  async function replaceTasks(run: string): Promise<void> {
    const path = join(clone, "coldtivate.yml");
    const written = await readFile(path, "utf8");
    await writeFile(path, written.replace(/\ntasks:\n[^]*?\n\n/, `\ntasks:\n  - { name: probe, service: web, run: ${run} }\n\n`));
  }

  test("during the pull changes nothing, and leaves no credentials", async () => {
    await onHost("staging", "docker image prune --all --force");
    const containers = await readContainers("staging");
    await using _held = await holdPulls("staging");
    const deploy = start(["deploy", "staging"], { cwd: clone });
    await deploy.says(/pull .* started/);
    deploy.kill("SIGTERM");
    const { exitCode, stderr } = await deploy.ended;
    expect(stderr).toMatch(/interrupted, and undone/);
    expect(stderr).toMatch(/serves as before/);
    expect(exitCode).toBe(interrupted);
    expect(await readContainers("staging")).toBe(containers);
    await expectRest("staging");
  });

  test("during a task removes the task's container", async () => {
    await replaceTasks('[sh, -c, "echo at work; exec sleep 300"]');
    try {
      const deploy = start(["deploy", "staging"], { cwd: clone });
      await deploy.says(/at work/);
      deploy.kill("SIGINT");
      expect(await deploy.ended).toMatchObject({ exitCode: interrupted });
    } finally {
      await must("git", ["checkout", "--", "coldtivate.yml"], { cwd: clone });
    }
    expect(await readServices("staging")).toBe(before);
    await expectRest("staging");
  });

  test("during the replacement brings the old release back", async () => {
    const deploy = start(["deploy", "staging"], { cwd: clone });
    await deploy.says(/replace .*celery.* started/);
    deploy.kill("SIGINT");
    const { exitCode, stderr } = await deploy.ended;
    expect(stderr).toMatch(/undoing what was begun/);
    expect(exitCode).toBe(interrupted);
    expect(await readServices("staging")).toBe(before);
    await expectRest("staging");
  });

  test("whose client was killed goes on to its end on the host", async () => {
    const deploy = start(["deploy", "staging"], { cwd: clone });
    await deploy.says(/replace .*celery.* started/);
    deploy.kill("SIGKILL");
    await deploy.ended;
    const journal = "cat $(ls -td /home/deploy/.coldtivate/coldtivate-staging/releases/*/journal | head -n 1)";
    await expect.poll(() => onHost("staging", journal), { timeout: 60_000 }).toMatch(/\t0\tfinished\t/);
    await expectRest("staging");
    const commit = await must("git", ["rev-parse", "HEAD"], { cwd: clone });
    expect(await ask(stagingHost(), "base_api/version")).toMatchObject({ commit });

    const next = await coldtivate(["deploy", "staging"], { cwd: clone });
    expect(next).toMatchObject({ exitCode: 0 });
    expect(next.stdout).toContain("nothing to do");
  });
});

describe("at the question whether to deploy", () => {
  let clone: string;
  let dotenv: string;
  let before: string;

  beforeAll(async () => {
    await ensureBuilt("v1.2.0");
    clone = await checkOut("v1.2.0");
    expect(await coldtivate(["deploy", "production", "--yes"], { cwd: clone })).toMatchObject({ exitCode: 0 });
    dotenv = join(await makeFolder(), "dotenv");
    await writeFile(dotenv, `${await readFile(sandbox()["PRODUCTION_DOT_ENV"]!, "utf8")}\nNOVELTY=1\n`, { mode: 0o600 });
    before = await readContainers("production");
  });

  test.each([
    ["Ctrl-C", "\u0003", interrupted, /interrupted/],
    ["no", "no\n", 3, /nothing was changed/],
    ["nothing at all", "\n", 3, /nothing was changed/],
  ])("%s changes nothing", async (_name, keys, exitCode, words) => {
    const deploy = startOnTerminal(["deploy", "production"], { cwd: clone, env: { PRODUCTION_DOT_ENV: dotenv } });
    await deploy.says(/Deploy this to production\? \[y\/N\]/);
    deploy.type(keys);
    const ran = await deploy.ended;
    expect(ran.output).toMatch(words);
    expect(ran.exitCode).toBe(exitCode);
    expect(await readContainers("production")).toBe(before);
    await expectRest("production");
  });
});
