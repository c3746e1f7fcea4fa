import { symlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keepsCompiled } from "../compiled.ts";
import { bombs } from "./bombs.ts";
import { corrupt } from "./corrupt.ts";
import { seeded, seedOf } from "./random.ts";
import type { Report } from "./run.ts";
import * as samples from "./samples.ts";
import { faultIn } from "./error-check.ts";
import { createProjectFixture, type ProjectFixture } from "./project-fixture.ts";

/** Any other one makes other inputs: COLDTIVATE_MALFORMED_SEED=7 npx vitest run test/unit/malformed */
const seed = Number(process.env["COLDTIVATE_MALFORMED_SEED"] ?? 1);
const mostMemory = 300 * 1000 * 1000;
const mostMilliseconds = 30_000;

test(`a thousand malformed inputs, seed ${seed}: each is refused with an error that one can act on, and nothing is changed`, async () => {
  console.log(`malformed inputs, seed ${seed}`);
  const program = fileURLToPath(new URL("run.ts", import.meta.url));
  // Memory that nobody has asked to be given back yet is not what an input takes.
  const { stdout } = await execa(process.execPath, ["--max-old-space-size=120", "--max-semi-space-size=4", program, String(seed)]);
  const report = JSON.parse(stdout) as Report;
  expect(report.failures).toEqual([]);
  expect(report.inputs).toBeGreaterThanOrEqual(1000);
  expect(report.refused).toBeGreaterThan(report.inputs / 2);
  expect(report.memory).toBeLessThan(mostMemory);
  expect(report.slowest.milliseconds).toBeLessThan(mostMilliseconds);
}, 300_000);

describe("the command itself", () => {
  const program = fileURLToPath(new URL("cli/run.ts", import.meta.url));
  /** Has a process tell at its end how much memory it had, in kilobytes. */
  const telling = `data:text/javascript,import{writeSync}from"node:fs";process.on("exit",()=>writeSync(3,String(process.resourceUsage().maxRSS)))`;
  let fixture: ProjectFixture;

  beforeAll(() => {
    fixture = createProjectFixture();
  });

  afterAll(() => fixture[Symbol.dispose]());

  const start = (args: readonly string[]) =>
    execa(process.execPath, ["--import", telling, program, ...args], {
      cwd: fixture.directory,
      env: {
        ...fixture.env,
        PATH: process.env["PATH"],
        HOME: fixture.directory,
        GIT_CONFIG_GLOBAL: "/dev/null",
        NO_COLOR: "1",
        ...keepsCompiled,
      },
      extendEnv: false,
      reject: false,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      stripFinalNewline: false,
    });

  async function expectRefusal(args: readonly string[]): Promise<void> {
    const before = fixture.snapshot();
    const { exitCode, stderr, stdio } = await start(args);
    expect([exitCode, stderr]).toEqual([expect.toSatisfy((code) => code === 2 || code === 3), expect.any(String)]);
    expect(faultIn(stderr)).toBeUndefined();
    expect(Number(stdio[3]) * 1024).toBeLessThan(mostMemory);
    expect(fixture.snapshot()).toBe(before);
  }

  /** Nobody answers there. */
  const nowhere = (text: string) => text.replaceAll(/[a-z]+\.example\.com, user/g, "127.0.0.1, port: 1, user");

  test.each([0, 2, 6, 11, 16])("configuration that comes to a lot, %i", async (index) => {
    fixture.reset();
    fixture.write("coldtivate.yml", bombs[index]!(200_000));
    await expectRefusal(["status", "staging"]);
  });

  test.each([3, 30])("Compose files that come to a lot, %i", async (index) => {
    fixture.reset();
    fixture.write("coldtivate.yml", nowhere(samples.configuration));
    fixture.write("compose.yaml", bombs[index]!(200_000));
    await expectRefusal(["deploy", "staging"]);
  });

  test.each([0, 1, 2, 3])("configuration that is spoilt, %i", async (index) => {
    fixture.reset();
    fixture.write("coldtivate.yml", corrupt(nowhere(samples.configuration), seeded(seedOf(seed, "command", index))));
    await expectRefusal(["deploy", "staging"]);
  });

  test.each(["coldtivate.yml", "compose.yaml", "dotenv", "Web/Dockerfile"])("a device in the place of %s", async (path) => {
    fixture.reset();
    if (path !== "coldtivate.yml") fixture.write("coldtivate.yml", nowhere(samples.configuration));
    rmSync(join(fixture.directory, path));
    symlinkSync("/dev/zero", join(fixture.directory, path));
    await expectRefusal(["deploy", "staging"]);
    rmSync(join(fixture.directory, path));
  });

  test.each(["--all", "^main", "main..v1.2.0", "$(touch x)\u001B[2J"])("the ref %j", async (ref) => {
    fixture.reset();
    fixture.write("coldtivate.yml", nowhere(samples.configuration));
    await expectRefusal(["deploy", "staging", `--ref=${ref}`]);
  });

  test.each([0, 40, 120, 200, 320, 450, 600, 800])("ends on a signal %i ms after it began, whatever it reads", async (delay) => {
    fixture.reset();
    fixture.write("coldtivate.yml", bombs[11 + (delay % 3)]!(200_000));
    fixture.write("compose.yaml", bombs[3]!(200_000));
    const child = start(["deploy", "staging"]);
    setTimeout(() => child.kill(delay % 80 === 0 ? "SIGTERM" : "SIGINT"), delay);
    const { exitCode, signal, stderr } = await child;
    expect([2, 130, undefined]).toContain(exitCode);
    expect(["SIGTERM", "SIGINT", undefined]).toContain(signal);
    expect(stderr).not.toMatch(/bug in coldtivate|^\s+at /m);
  });

  test("ends on a signal while it waits for a file that does not come", async () => {
    fixture.reset();
    const pipe = join(fixture.directory, ".git/pipe");
    await execa("mkfifo", [pipe]);
    const writer = execa("bash", ["-c", 'exec 3<>"$0"; echo ready; exec sleep 600', pipe]);
    await new Promise((resolve) => void writer.stdout.once("data", resolve));
    for (const name of ["SIGTERM", "SIGINT"] as const) {
      const child = start(["status", "staging", "--config", pipe]);
      setTimeout(() => child.kill(name), 1500);
      const { exitCode, signal } = await child;
      expect([exitCode === 130, signal === name]).toContain(true);
    }
    writer.kill();
    await writer.catch(() => {});
  });
});
