import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { edit, publish } from "../support/clones.ts";
import { expectRest, readServices } from "../support/host-state.ts";
import { onHost } from "../support/hosts.ts";
import { start, startOnTerminal, type LiveCommand } from "../support/live-command.ts";
import { makeSmallProject, removeSmallProject } from "../support/projects/small-project.ts";
import { coldtivate } from "../support/run.ts";

const project = "small-staging";
const ctrlC = "\u0003";

let clone: string;

beforeAll(async () => {
  clone = await makeSmallProject();
  // What nothing checks takes two seconds.
  await edit(clone, "docker-compose.yml", (text) => text.replace(/ {2}# Nothing checks its health\.[^]*/, ""));
  await edit(clone, "coldtivate.yml", (text) => text.replace("[echo, all is prepared]", '[sleep, "1"]'));
  await publish(clone, "feat: open");
  const first = await deploy("first");
  expect(first.exitCode, first.output).toBe(0);
});

afterAll(removeSmallProject);

const words = (value: string) => ({ cwd: clone, env: { PROJECT_DOT_ENV: `OPEN=${value}` } });
const deploy = (value: string, ...flags: string[]) => coldtivate(["deploy", "staging", ...flags], words(value));

/** What the release that serves was deployed with. */
async function served(): Promise<string> {
  return (await onHost("staging", `docker exec ${project}-web-1 printenv OPEN`)).trim();
}

/** The deploys that the host knows of. */
async function countDeploys(): Promise<number> {
  return Number(await onHost("staging", `wc -l </home/deploy/.coldtivate/${project}/history`));
}

describe("a deploy that is at work", () => {
  /** A program that somebody else's task waits for. */
  const gate = "/tmp/gate";

  beforeAll(async () => {
    const wait = `[sh, -c, "echo at work; while [ ! -e /gate/open ]; do sleep 0.1; done"]`;
    await edit(clone, "coldtivate.yml", (text) => text.replace('[sleep, "1"]', wait));
    await edit(clone, "docker-compose.yml", (text) => text.replace("  init: true\n", `  init: true\n  volumes: ["${gate}:/gate"]\n`));
    await publish(clone, "feat: wait");
  });

  afterEach(async () => {
    // So that one that failed half-way leaves nothing at work.
    await open();
    await coldtivate(["attach", "staging"], { cwd: clone });
    await onHost("staging", `rm -f ${gate}/open`);
  });

  afterAll(async () => {
    await edit(clone, "coldtivate.yml", (text) => text.replace(/\[sh, -c, "echo at work.*\]/, '[sleep, "1"]'));
  });

  const open = () => onHost("staging", `mkdir -p ${gate} && touch ${gate}/open`);

  async function begin(value: string): Promise<LiveCommand> {
    const first = start(["deploy", "staging"], words(value));
    await first.says(/│ at work/);
    return first;
  }

  test("is told to whoever is refused, and to whoever asks", async () => {
    const first = await begin("told");
    const line = /\S+ from \S+ deploys \d{8}t\d{6}-\w{8} since \d\d:\d\d:\d\d UTC, \d+ s, step 3 of \d+: task prepare/;
    const second = await deploy("refused");
    expect(second.exitCode).toBe(3);
    expect(second.stderr).toMatch(line);
    expect((await coldtivate(["status", "staging"], { cwd: clone })).stdout).toMatch(line);
    await open();
    expect(await first.ended).toMatchObject({ exitCode: 0 });
    expect(await served()).toBe("told");
  });

  test("is followed by anybody, from its beginning to its end", async () => {
    const first = await begin("followed");
    const follower = start(["attach", "staging"], { cwd: clone });
    await follower.says(/check that nothing else was deployed[^]*│ at work/);
    await open();
    expect(await follower.ended).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/serves \S+ since now/) });
    expect(await first.ended).toMatchObject({ exitCode: 0 });
  });

  test("is aborted by anybody, and whoever began it is told", async () => {
    const before = await readServices("staging", project);
    const first = await begin("aborted");
    const follower = start(["attach", "staging"], { cwd: clone });
    await follower.says(/│ at work/);
    const { exitCode, stdout } = await coldtivate(["abort", "staging"], { cwd: clone });
    expect(stdout).toMatch(/was undone on .*: what served before serves/);
    expect(exitCode).toBe(0);
    for (const { exitCode: code, stderr } of [await first.ended, await follower.ended]) {
      expect(stderr).toMatch(/aborted by \S+ from \S+, and undone/);
      expect(code).toBe(4);
    }
    expect(await readServices("staging", project)).toBe(before);
    await expectRest("staging", project);
  });

  test("goes on when a signal takes the client away, and is found again", async () => {
    const first = await begin("alone");
    first.kill("SIGTERM");
    const { exitCode, stderr } = await first.ended;
    expect(stderr).toMatch(/detached: release \S+ goes on without you\n.*step 3 of \d+: task prepare\n→ .*coldtivate attach staging/);
    expect(exitCode).toBe(130);
    const follower = start(["attach", "staging", "--json"], { cwd: clone });
    await open();
    const followed = await follower.ended;
    expect(followed.exitCode, followed.output).toBe(0);
    expect(JSON.parse(followed.stdout)).toMatchObject({ hosts: [{ outcome: "finished" }] });
    expect(await served()).toBe("alone");
  });

  test("is waited for with --wait", async () => {
    const first = await begin("before");
    const second = start(["deploy", "staging", "--wait"], words("after"));
    await second.says(/deploys \S+ since .*\nWaiting until it has ended/);
    await open();
    expect(await first.ended).toMatchObject({ exitCode: 0 });
    const { exitCode, stderr } = await second.ended;
    expect(exitCode, stderr).toBe(0);
    expect(await served()).toBe("after");
  });

  test.each([
    ["d", 130, "asked", /goes on without you/],
    [ctrlC, 130, "twice", /goes on without you/],
    ["a", 130, "undone", /aborted, and undone/],
    ["c", 0, "kept", /serves .* since now/],
  ])("asks at Ctrl-C, and %j ends it with %d", async (key, exitCode, value, said) => {
    const before = await served();
    const first = startOnTerminal(["deploy", "staging", "--plain"], words(value));
    await first.says(/│ at work/);
    first.type(ctrlC);
    await first.says(/d: detach/);
    first.type(key);
    if (key === "c") await open();
    const { exitCode: code, output } = await first.ended;
    expect(output).toMatch(said);
    expect(code).toBe(exitCode);
    await open();
    await coldtivate(["attach", "staging"], { cwd: clone });
    expect(await served()).toBe(key === "a" ? before : value);
    await expectRest("staging", project);
  });

  test("does not exist most of the time, and then nobody can follow or abort it", async () => {
    for (const verb of ["attach", "abort"]) {
      const { exitCode, stderr } = await coldtivate([verb, "staging"], { cwd: clone });
      expect(stderr).toMatch(/nobody deploys to staging right now\n.*The last deploy was /);
      expect(exitCode).toBe(3);
    }
  });
});

test("of two deploys at once one wins, and the other changes nothing", async () => {
  for (let turn = 0; turn < 10; turn++) {
    const count = await countDeploys();
    const both = await Promise.all(["left", "right"].map((side) => deploy(`${side}-${turn}`)));
    const outputs = both.map(({ output }) => output).join("\n");
    expect(
      both.map(({ exitCode }) => exitCode).toSorted((a, b) => a - b),
      outputs,
    ).toEqual([0, 3]);
    expect(await countDeploys()).toBe(count + 1);
    expect(await served()).toBe(both[0]?.exitCode === 0 ? `left-${turn}` : `right-${turn}`);
  }
  await expectRest("staging", project);
});
