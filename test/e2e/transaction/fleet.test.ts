import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { edit, publish } from "../support/clones.ts";
import { strikeFleet } from "../support/faults/fleet-strike.ts";
import { readContainers } from "../support/host-state.ts";
import { productionHost, stagingHost } from "../support/hosts.ts";
import { start, startOnTerminal } from "../support/live-command.ts";
import {
  bringUpFleet,
  fleet,
  fleetProject,
  freezeLink,
  holdSwitch,
  lastEnd,
  makeFleetProject,
  power,
  removeFleetProject,
  served,
} from "../support/projects/fleet-project.ts";
import { composeFile, expectNothingLost, setVariables, startFrontsLoad } from "../support/projects/fronts-project.ts";
import { coldtivate, must } from "../support/run.ts";

const address = { staging: stagingHost, production: productionHost, host1: () => env["HOST1_SSH_HOST"]! };

let clone: string;
let env: Record<string, string>;
let edition = 0;

beforeAll(async () => {
  env = await bringUpFleet();
  await removeFleetProject();
  clone = await makeFleetProject();
  await publishNext();
  await deploy();
});
afterAll(removeFleetProject);

/** Commits and publishes another edition of the shop. */
async function publishNext(): Promise<void> {
  await setVariables(clone, "shop", { EDITION: `edition ${++edition}` });
  await publish(clone, `feat: edition ${edition}`);
}

async function deploy(): Promise<string> {
  const { exitCode, output } = await coldtivate(["deploy", "staging"], { cwd: clone, env });
  expect(exitCode, output).toBe(0);
  return output;
}

const containers = () => Promise.all(fleet.map((host) => readContainers(host, fleetProject)));

async function expectOneRelease(): Promise<void> {
  await expect.poll(async () => new Set(await served()).size, { timeout: 60_000 }).toBe(1);
  const { exitCode, output } = await coldtivate(["status", "staging"], { cwd: clone, env });
  expect(exitCode, output).toBe(0);
}

test("a release goes to all hosts together, and fails no request", async () => {
  await publishNext();
  const load = await startFrontsLoad();
  const output = await deploy();
  expectNothingLost(await load.stop());
  expect(output).toMatch(/wait until every host is ready to commit/);
  await expectOneRelease();
});

test("one whose new version never turns healthy on the third host changes nothing on any, and fails no request", async () => {
  const before = await containers();
  await edit(clone, composeFile, (text) =>
    text
      .replace("[python3, -u, /app/server.py]", '[sh, -c, "if grep -q host1 /host; then sleep 1000; fi; exec python3 -u /app/server.py"]')
      .replace('volumes: ["ledger:/ledger"]', 'volumes: ["ledger:/ledger", "/etc/hostname:/host:ro"]'),
  );
  await publish(clone, "feat: open everywhere but on the third");
  const load = await startFrontsLoad();
  const { exitCode, stderr } = await coldtivate(["deploy", "staging"], { cwd: clone, env });
  expectNothingLost(await load.stop());
  expect(stderr).toMatch(new RegExp(`${address.host1()}: the new (shop|stall) did not become healthy`));
  expect(stderr).toMatch(/Nothing was changed on any host: \S+ serves as before/);
  expect(exitCode, stderr).toBe(4);
  expect(await containers()).toEqual(before);
  await must("git", ["revert", "--no-edit", "HEAD"], { cwd: clone });
});

describe("the third host is cut off", () => {
  beforeEach(publishNext);

  test("before the decision, when the first has switched: all go back, the silent one by itself", async () => {
    const before = await served();
    const held = await holdSwitch("production");
    const deploying = start(["deploy", "staging"], { cwd: clone, env });
    await deploying.says(ready("staging"));
    await deploying.says(ready("host1"));
    const link = await freezeLink("host1");
    await deploying.says(/the SSH connection was lost/);
    await held.release();
    const { exitCode, stderr } = await deploying.ended;
    expect(stderr).toMatch(/could not be reached again: it takes back by itself/);
    expect(exitCode).toBe(4);
    await link.mend();
    await expect.poll(() => lastEnd("host1"), { timeout: 60_000 }).toBe("undone");
    expect(await served()).toEqual(before);
    await expectOneRelease();
  });

  test("by a power cut before the decision: recover makes it whole", async () => {
    const before = await served();
    const held = await holdSwitch("production");
    const deploying = start(["deploy", "staging"], { cwd: clone, env });
    await deploying.says(ready("host1"));
    await power("power-off", "host1");
    await deploying.says(/the SSH connection was lost/);
    await held.release();
    const { exitCode, stderr } = await deploying.ended;
    expect(stderr).toMatch(/coldtivate recover staging/);
    expect(exitCode).toBe(4);
    await power("power-on", "host1");
    const recovered = await coldtivate(["recover", "staging"], { cwd: clone, env });
    expect(recovered.stdout).toMatch(/was interrupted: undone/);
    expect(recovered.exitCode, recovered.output).toBe(0);
    expect(await served()).toEqual(before);
    await expectOneRelease();
  });

  test("right at the decision: the others have committed, the error says so, and recover makes the fleet whole", async () => {
    const before = await served();
    const held = await holdSwitch("production");
    const deploying = start(["deploy", "staging"], { cwd: clone, env });
    await deploying.says(ready("staging"));
    await deploying.says(ready("host1"));
    const link = await freezeLink("host1");
    await held.release();
    const { exitCode, stderr } = await deploying.ended;
    expect(stderr).toMatch(new RegExp(`${address.staging()}: serves `));
    expect(stderr).toMatch(new RegExp(`${address.host1()}: unknown, it could not be reached again`));
    expect(stderr).toMatch(/coldtivate recover staging/);
    expect(exitCode).toBe(5);
    await link.mend();
    await expect.poll(() => lastEnd("host1"), { timeout: 60_000 }).toBe("undone");
    const status = await coldtivate(["status", "staging"], { cwd: clone, env });
    expect(status.output).toMatch(/The hosts serve different releases/);
    expect(status.exitCode).toBe(5);
    const recovered = await coldtivate(["recover", "staging"], { cwd: clone, env });
    expect(recovered.exitCode, recovered.output).toBe(0);
    await expectOneRelease();
    expect(await served()).not.toEqual(before);
  });
});

test.each([
  ["wait until every host has the images", "undone"],
  ["wait until the new containers are healthy on every host", "undone"],
  ["wait until every host is ready to commit", undefined],
])('a CLI that is killed at "%s" leaves one release on all hosts, without anybody\'s help', async (title, end) => {
  await publishNext();
  const deploying = start(["deploy", "staging"], { cwd: clone, env });
  await deploying.says(new RegExp(`${title} +started`));
  deploying.kill("SIGKILL");
  await deploying.ended;
  const ends = () => Promise.all(fleet.map(lastEnd));
  await expect.poll(async () => (await ends()).every((each) => each !== ""), { timeout: 90_000 }).toBe(true);
  if (end !== undefined) expect(await ends()).toEqual(fleet.map(() => end));
  await expectOneRelease();
  await coldtivate(["deploy", "staging"], { cwd: clone, env });
  await expectOneRelease();
});

test("one that is detached from before the decision is taken back by all hosts, which the question says", async () => {
  await publishNext();
  const before = await served();
  const held = await holdSwitch("production");
  const deploying = startOnTerminal(["deploy", "staging", "--plain"], { cwd: clone, env });
  await deploying.says(ready("staging"));
  await deploying.says(ready("host1"));
  deploying.type("\u0003");
  await deploying.says(/d: detach, the hosts take it back by themselves/);
  deploying.type("d");
  const { exitCode, output } = await deploying.ended;
  expect(output).toMatch(/detached: release \S+ is taken back by the hosts, which nobody coordinates any more/);
  expect(exitCode).toBe(130);
  await held.release();
  await expect.poll(() => Promise.all(fleet.map(lastEnd)), { timeout: 60_000 }).toEqual(fleet.map(() => "undone"));
  expect(await served()).toEqual(before);
  await expectOneRelease();
});

test("an executor that is killed on the third host at a barrier ends it for all, and recover makes that host whole", async () => {
  await publishNext();
  const before = await served();
  const outcome = await strikeFleet(clone, env, "kill-executor", "barrier healthy");
  expect(outcome).toMatchObject({ serves: "old", rest: "recover" });
  expect(await served()).toEqual(before);
});

function ready(host: keyof typeof address): RegExp {
  return new RegExp(`${address[host]().replaceAll(".", "\\.")} +wait until every host is ready to commit +started`);
}
