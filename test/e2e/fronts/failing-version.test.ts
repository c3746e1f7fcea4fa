import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { edit, publish } from "../support/clones.ts";
import { expectRest, readContainers } from "../support/host-state.ts";
import { onHost, stagingHost } from "../support/hosts.ts";
import {
  composeFile,
  editions,
  expectNothingLost,
  makeFrontsProject,
  release,
  removeFrontsProject,
  setVariables,
  startFrontsLoad,
} from "../support/projects/fronts-project.ts";
import { expectRefusal } from "../support/refusal.ts";
import { must } from "../support/run.ts";

const project = "small-staging";
const state = `/home/deploy/.coldtivate/${project}`;

let clone: string;
let good: string;

beforeAll(async () => {
  clone = await makeFrontsProject();
  await release(clone, {});
  await release(clone, { shop: "second" });
  good = await must("git", ["rev-parse", "HEAD"], { cwd: clone });
});
afterAll(removeFrontsProject);
beforeEach(async () => {
  await must("git", ["reset", "--quiet", "--hard", good], { cwd: clone });
});

/** Notes when containers of a service die; tells the microseconds since the epoch at which the first one did. */
async function watchDeaths(service: string): Promise<() => Promise<number>> {
  const filters = `--filter event=die --filter label=com.docker.compose.project=${project} --filter label=com.docker.compose.service=${service}`;
  const file = `/run/deaths-of-${service}`;
  const watcher = await onHost("staging", `setsid docker events ${filters} --format '{{.TimeNano}}' >${file} 2>&1 </dev/null & echo $!`);
  onTestFinished(async () => void (await onHost("staging", `kill ${watcher}; rm ${file}`)));
  return async () => Number(await onHost("staging", `head -n 1 ${file}`)) / 1000;
}

/** Microseconds since the epoch at which the last release's journal says this of a step. */
async function journalTime(pattern: string): Promise<number> {
  return Number(
    await onHost(
      "staging",
      `cd ${state}/releases && journal=$(ls -d */ | tail -n 1)journal && grep -m 1 -P '${pattern}' $journal | cut -f 1`,
    ),
  );
}

/** Has the clone's shop fail in its new edition. */
async function breakShop(variables: Record<string, string>, healthcheck?: string): Promise<void> {
  await setVariables(clone, "shop", { EDITION: "third", ...variables });
  if (healthcheck !== undefined) await edit(clone, composeFile, (text) => text.replace(/(?<=server\.py[^]*?healthcheck: ).*/, healthcheck));
  await publish(clone, "feat: a shop that fails");
}

/** Deploys under load: it fails, says why, who serves and what to do; no request fails, and nothing of it is left. */
async function expectUndone(says: readonly (string | RegExp)[]): Promise<string> {
  const before = await readContainers("staging", project);
  const serving = before.trim().split("/").at(-1);
  const load = await startFrontsLoad();
  const { stderr } = await expectRefusal(["deploy", "staging"], { cwd: clone }, { exitCode: 4, says });
  const report = await load.stop();
  console.info(`${report.answered} answered, longest ${report.longest} ms\n${stderr}`);
  expectNothingLost(report);
  expect(report.commits).toEqual({ shop: ["second"], stall: ["first"] });
  expect(await editions()).toEqual({ shop: "second", stall: "first" });
  expect(stderr).toContain(
    `Everything was undone on ${stagingHost()}: ${serving} serves as before. Correct the cause, then: coldtivate deploy staging`,
  );
  expect(await readContainers("staging", project)).toBe(before);
  await expectRest("staging", project);
  // What the host's script did not mean to say.
  expect(await onHost("staging", `cat ${state}/releases/*/log`)).toBe("");
  return stderr;
}

const giveUpAfter = (limit: string) =>
  edit(clone, "coldtivate.yml", (text) =>
    text.replace("shop: { rollout: blue-green }", `shop: { rollout: blue-green, healthy_within: ${limit} }`),
  );

describe("a new version that crashes is found at once, not when its time is up", () => {
  test.each([
    ["at start", "crash", 3],
    ["after a second, again and again", "crash later", 4],
  ])("%s", async (_when, fault, code) => {
    await breakShop({ FAULT: fault });
    const firstDeath = await watchDeaths("shop-blue");
    await expectUndone([
      `the new shop did not become healthy: small-staging-shop-blue-1 exited with ${code}`,
      "opens as third",
      "cannot read the price list",
    ]);
    const [died, failed, waited] = [await firstDeath(), await journalTime("\\tfailed\\t"), await journalTime("\\tbegin\\thealthy")];
    console.info(`the crash was found after ${Math.round((failed - died) / 1000)} ms`);
    expect(failed).toBeGreaterThan(died);
    expect((failed - waited) / 1_000_000).toBeLessThan(30);
  });
});

test("a new version that crashes once it was healthy, before requests go there, is found, too", async () => {
  await setVariables(clone, "stall", { EDITION: "third", WARM_UP: "5" });
  // It crashes when it is asked for the third time.
  const soon = `{ test: [CMD, curl, -fsS, "http://localhost:8000/up"], interval: 1s, start_period: 20s, start_interval: 100ms }`;
  await breakShop({ FAULT: "crash once healthy" }, soon);
  await expectUndone([/exited with 5/, "opens as third", "cannot read the price list"]);
});

describe("a new version that does not get well in its time", () => {
  test.each([
    ["never turns healthy", { FAULT: "deaf" }, undefined, ["is starting after 4 s", "onnect"]],
    [
      "is found unhealthy",
      { FAULT: "deaf" },
      "{ test: [CMD-SHELL, 'echo no answer from the till; exit 1'], interval: 500ms, retries: 3 }",
      ["is unhealthy", "no answer from the till"],
    ],
    ["answers 500 where its health is asked", { FAULT: "unwell" }, undefined, ["is starting after 4 s", "returned error: 500"]],
    [
      "has no health check, and never opens its port",
      { FAULT: "deaf" },
      "{ disable: true }",
      ["does not accept connections at port 8000 after 4 s"],
    ],
  ] as const)("one that %s", async (_what, variables, healthcheck, says) => {
    await giveUpAfter("4s");
    await breakShop(variables, healthcheck);
    await expectUndone([...says, "opens as third"]);
  });
});
