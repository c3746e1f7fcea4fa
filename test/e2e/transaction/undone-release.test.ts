// The tests build on each other: each goes on from where the one before it came to.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { edit, publish } from "../support/clones.ts";
import { begun, deployEdition, expectWhole, finish, readPlan, stateFolder, stepBegins, type Serving } from "../support/faults/strike.ts";
import { expectRest, holdPulls } from "../support/host-state.ts";
import { onHost } from "../support/hosts.ts";
import { start } from "../support/live-command.ts";
import { hostFolder, hostProcesses, keptReleases, sandboxScript } from "../support/machines.ts";
import {
  makeEveryStepProject,
  other,
  project,
  removeEveryStepProject,
  startEveryStepLoad,
  type Edition,
} from "../support/projects/every-step-project.ts";
import { must } from "../support/run.ts";

let clone: string;
let serving: Serving;

beforeAll(async () => {
  clone = await makeEveryStepProject();
  await deployEdition(clone, "first");
  serving = await deployEdition(clone, "second");
});
afterAll(removeEveryStepProject);

interface Failing {
  ref?: Edition | "unwell";
  env?: Record<string, string>;
  /** What happens while the images are about to be pulled. */
  meanwhile?: () => Promise<unknown>;
}

/** Deploys under load: it fails, says why, what served serves, and not one request fails. */
async function expectUndone(says: RegExp, { ref = other(serving.edition), env, meanwhile }: Failing): Promise<void> {
  await onHost("staging", "docker image prune --all --force");
  const known = await keptReleases(stateFolder());
  const held = meanwhile === undefined ? undefined : await holdPulls("staging");
  const load = await startEveryStepLoad();
  const deploy = start(["deploy", "staging", "--ref", ref, "--leave-data"], { cwd: clone, ...(env === undefined ? {} : { env }) });
  if (held !== undefined) {
    const release = await begun(known, deploy);
    const pull = (await readPlan(release)).indexOf("pull") + 1;
    expect(pull).toBeGreaterThan(0);
    await stepBegins(release, pull, deploy);
    await meanwhile?.();
    await held.release();
  }
  const { exitCode, stderr } = await deploy.ended;
  const report = await finish(load);
  expect(exitCode, stderr).toBe(4);
  expect(stderr).toMatch(says);
  expect(stderr).toContain(`${serving.release} serves as before`);
  expect(report.examples).toEqual([]);
  await expectWhole(serving);
  await expectRest("staging", project);
}

test("the registry stops during the pull", async () => {
  const processes = await hostProcesses("gateway");
  const registry = processes.find(({ command }) => command.startsWith("docker-registry"))!;
  // Mended first, whatever else fails.
  onTestFinished(async () => void (await sandboxScript("up")));
  await expectUndone(/cannot pull .*test\/every-step\/web/, { meanwhile: async () => void process.kill(registry.pid, "SIGKILL") });
});

test("a task fails", () => expectUndone(/task prepare exited with 3/, { env: { TASK_CODE: "3" } }));

test("the third of three services never turns healthy", async () => {
  await must("git", ["checkout", "--quiet", "-b", "unwell", other(serving.edition)], { cwd: clone });
  await edit(clone, "docker-compose.yml", (text) => text.replace(/SERVICE: till/, "FAULT: deaf, $&"));
  await publish(clone, "feat: a till that is stuck");
  await expectUndone(/till did not become healthy/, { ref: "unwell", env: { TILL_HEALTHY_WITHIN: "4s" } });
});

test("the disk is full", async () => {
  await removeEveryStepProject();
  await replaceDisk((image) => must("bash", ["-c", 'truncate -s 2G "$1" && mkfs.ext4 -q -m 0 "$1"', "disk", image]));
  onTestFinished(async () => {
    await removeEveryStepProject();
    await replaceDisk((image) => rm(image));
  });
  await deployEdition(clone, "first");
  serving = await deployEdition(clone, "second");
  const fill = "cd /var/lib/docker && fallocate -l $(df --output=avail -B 1 . | tail -n 1) full; cat /dev/zero >>full || true";
  await expectUndone(/no space left on device/, { meanwhile: () => onHost("staging", fill) });
  await onHost("staging", "rm /var/lib/docker/full");
  serving = await deployEdition(clone, "first");
});

/** Changes, while the host is off, the file that its engine's disk is. */
async function replaceDisk(change: (image: string) => Promise<unknown>): Promise<void> {
  await sandboxScript("power-off", "staging");
  await change(join(hostFolder(), "disk.img"));
  await sandboxScript("power-on", "staging");
}
