import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { publish } from "../support/clones.ts";
import { expectRest, holdPulls, readContainers, readServices } from "../support/host-state.ts";
import { onHost } from "../support/hosts.ts";
import { start, startOnTerminal } from "../support/live-command.ts";
import { makeSmallProject, removeSmallProject } from "../support/projects/small-project.ts";
import { coldtivate, must } from "../support/run.ts";

const interrupted = 130;
const undone = 4;
const project = "small-staging";

let clone: string;

beforeAll(async () => {
  clone = await makeSmallProject();
  await publish(clone, "feat: open");
  const first = await coldtivate(["deploy", "staging"], { cwd: clone });
  expect(first.exitCode, first.output).toBe(0);
});

afterAll(removeSmallProject);

async function abort(): Promise<void> {
  const { exitCode, output } = await coldtivate(["abort", "staging"], { cwd: clone });
  expect(exitCode, output).toBe(0);
}

async function rewrite(file: string, change: (text: string) => string): Promise<void> {
  const path = join(clone, file);
  await writeFile(path, change(await readFile(path, "utf8")));
}

describe("an interrupted deploy", () => {
  let before: string;

  beforeAll(async () => {
    await writeFile(join(clone, "web", "sign.txt"), "Closed.\n");
    await publish(clone, "feat: close");
  });

  beforeEach(async () => {
    before = await readServices("staging", project);
  });

  test("during the pull changes nothing, and leaves no credentials", async () => {
    const containers = await readContainers("staging", project);
    await onHost("staging", "docker image prune --all --force");
    const held = await holdPulls("staging");
    const deploy = start(["deploy", "staging"], { cwd: clone });
    await deploy.says(/pull .* started/);
    await abort();
    const { exitCode, stderr } = await deploy.ended;
    await held.release();
    expect(stderr).toMatch(/aborted by .*, and undone/);
    expect(stderr).toMatch(/serves as before/);
    expect(exitCode).toBe(undone);
    expect(await readContainers("staging", project)).toBe(containers);
    await expectRest("staging", project);
  });

  test("during a task removes the task's container", async () => {
    await rewrite("coldtivate.yml", (text) => text.replace("[echo, all is prepared]", '[sh, -c, "echo at work; exec sleep 300"]'));
    try {
      const deploy = start(["deploy", "staging"], { cwd: clone });
      await deploy.says(/at work/);
      await abort();
      expect(await deploy.ended).toMatchObject({ exitCode: undone });
    } finally {
      await must("git", ["checkout", "--", "coldtivate.yml"], { cwd: clone });
    }
    expect(await readServices("staging", project)).toBe(before);
    await expectRest("staging", project);
  });

  test("during the replacement brings the old release back", async () => {
    const deploy = start(["deploy", "staging"], { cwd: clone });
    await deploy.says(/replace .*web.* started/);
    // Quicker than another process, which might come too late.
    await onHost("staging", `su deploy -c "/home/deploy/.coldtivate/${project}/environment-deployment-management.sh abort" >&2`);
    const { exitCode, stderr } = await deploy.ended;
    expect(stderr).toMatch(/undoing what was begun/);
    expect(stderr).toMatch(/aborted by deploy by hand, and undone/);
    expect(exitCode).toBe(undone);
    expect(await readServices("staging", project)).toBe(before);
    await expectRest("staging", project);
  });

  test("that is left alone comes to its end on the host", async () => {
    const deploy = start(["deploy", "staging"], { cwd: clone, env: { PROJECT_DOT_ENV: "OPEN=alone" } });
    await deploy.says(/replace .*web.* started/);
    deploy.kill("SIGHUP");
    expect(await deploy.ended).toMatchObject({ exitCode: interrupted });
    expect(await settled()).toMatch(/\t0\tfinished\t/);
    await expectRest("staging", project);
  });

  test("whose client was killed goes on to its end on the host", async () => {
    const deploy = start(["deploy", "staging"], { cwd: clone });
    await deploy.says(/replace .*web.* started/);
    deploy.kill("SIGKILL");
    await deploy.ended;
    expect(await settled()).toMatch(/\t0\tfinished\t/);
    await expectRest("staging", project);

    const next = await coldtivate(["deploy", "staging"], { cwd: clone });
    expect(next).toMatchObject({ exitCode: 0 });
    expect(next.stdout).toContain("nothing to do");
  });
});

describe("at the question whether to deploy", () => {
  const dotenv = { PROJECT_DOT_ENV: "OPEN=at the question" };
  let before: string;

  beforeAll(async () => {
    await rewrite("coldtivate.yml", (text) => text.replace("branches: [main]", "branches: [main]\n    confirm: true"));
    before = await readContainers("staging", project);
  });

  afterAll(() => must("git", ["checkout", "--", "coldtivate.yml"], { cwd: clone }));

  test.each([
    ["Ctrl-C", "\u0003", interrupted, /interrupted/],
    ["no", "no\n", 3, /nothing was changed/i],
    ["nothing at all", "\n", 3, /nothing was changed/i],
    ["the end of input", "\u0004", 3, /nothing was changed/i],
  ])("%s changes nothing", async (_name, keys, exitCode, words) => {
    const deploy = startOnTerminal(["deploy", "staging"], { cwd: clone, env: dotenv });
    await deploy.says(/Deploy this to staging\? \[y\/N\]/);
    deploy.type(keys);
    const ran = await deploy.ended;
    expect(ran.output).toMatch(words);
    expect(ran.exitCode).toBe(exitCode);
    expect(await readContainers("staging", project)).toBe(before);
    await expectRest("staging", project);
  });
});

describe("an interrupted build", () => {
  beforeAll(async () => {
    await rewrite("web/Dockerfile", (text) => `${text}RUN echo is-at-work; sleep 300\n`);
    await must("git", ["commit", "--quiet", "--all", "--message", "feat: never end"], { cwd: clone });
  });

  test.each(["SIGINT", "SIGTERM"] as const)("by %s ends what the builder does, and leaves no file", async (signal) => {
    const build = start(["build", "--push"], { cwd: clone });
    await build.says(/RUN echo is-at-work/);
    await expect.poll(() => onHost("builder", steps), { timeout: 20_000 }).not.toBe("");
    const folders = await privateFolders(build.pid);
    expect(folders).toHaveLength(1);
    build.kill(signal);
    const { exitCode, stderr } = await build.ended;
    expect(exitCode, stderr).toBe(interrupted);
    await expect.poll(() => onHost("builder", steps), { timeout: 20_000 }).toBe("");
    expect(await privateFolders(build.pid)).toEqual([]);
  });
});

/** The processes of a build's step. */
const steps = "grep -lzx 300 /proc/[0-9]*/cmdline || true";

/** What a CLI's process keeps where others cannot read it. */
async function privateFolders(pid: number): Promise<string[]> {
  return (await readdir("/dev/shm")).filter((name) => name.includes(`-${pid}-`));
}

/** The journal of the last release, once it has an end. */
async function settled(): Promise<string> {
  let journal = "";
  const read = async () =>
    (journal = await onHost("staging", `cat $(ls -td /home/deploy/.coldtivate/${project}/releases/*/journal | head -n 1)`));
  await expect.poll(read, { timeout: 120_000 }).toMatch(/\t0\t(finished|undone)\t/);
  return journal;
}
