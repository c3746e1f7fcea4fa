// The tests build on each other: each goes on from where the one before it came to.
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { onHost } from "../support/hosts.ts";
import {
  editions,
  expectNothingLost,
  makeFrontsProject,
  release,
  removeFrontsProject,
  running,
  startFrontsLoad,
} from "../support/projects/fronts-project.ts";
import { top } from "../support/repository.ts";
import { must } from "../support/run.ts";

let clone: string;

/** What serves, and what else there is. */
interface Serving {
  editions: Record<string, string>;
  /** The project's containers, by service; a question mark at those that do not run. */
  containers: string[];
  /** Where the fronts point, by their files. */
  fronts: string;
}

/** After three releases of the shop and two of the stall, whose slots have alternated. */
let serving: Serving;

beforeAll(async () => {
  clone = await makeFrontsProject();
  await release(clone, {});
  await release(clone, { shop: "second", stall: "second" });
  await release(clone, { shop: "third" });
  serving = {
    editions: { shop: "third", stall: "second" },
    containers: ["clerk", "scheduler", "shop", "shop-blue", "stall", "stall-green", "web"],
    fronts: "shop/live:blue\nstall/live:green",
  };
  await expectServing();
});
afterAll(removeFrontsProject);

const expectServing = async () => {
  expect(await editions()).toEqual(serving.editions);
  expect(await running()).toEqual(serving.containers);
  expect(await onHost("staging", "cd /home/deploy/.coldtivate/small-staging/fronts && grep -H . */live")).toBe(serving.fronts);
};

/** Resolves once all answers are right; then nothing may come up that should not. */
async function expectRecovery(): Promise<void> {
  await expect.poll(editions, { timeout: 90_000, interval: 200 }).toEqual(serving.editions);
  await expect.poll(running, { timeout: 30_000 }).toEqual(serving.containers);
  const load = await startFrontsLoad();
  await expect.poll(async () => (await load.look()).answered, { timeout: 30_000 }).toBeGreaterThan(300);
  const report = await load.stop();
  expectNothingLost(report);
  expect(report.commits).toEqual({ shop: ["third"], stall: ["second"] });
  await expectServing();
}

const dockerd = "/var/run/docker.pid";

const endDockerd = (signal: "KILL" | "TERM") =>
  onHost("staging", `pid=$(<${dockerd}); kill -${signal} $pid; while kill -0 $pid 2>/dev/null; do sleep 0.05; done`);

/** As the host's boot does. */
const startDockerd = () =>
  onHost("staging", "setsid dockerd </dev/null >>/var/log/dockerd.log 2>&1 & until docker version >/dev/null 2>&1; do sleep 0.1; done");

/** For longer than any name that a front resolved is valid by default. */
const outage = 66_000;

test("while the daemon is dead nothing is lost; once it is back, the slots that served do, and no other", async () => {
  const load = await startFrontsLoad();
  await endDockerd("KILL");
  const began = performance.now();
  await expect.poll(() => performance.now() - began, { timeout: 2 * outage, interval: 1000 }).toBeGreaterThan(outage);
  const report = await load.stop();
  console.info(
    `${report.answered} answered in ${Math.round((performance.now() - began) / 1000)} s without a daemon, longest ${report.longest} ms`,
  );
  expectNothingLost(report, 1000);
  expect(report.commits).toEqual({ shop: ["third"], stall: ["second"] });
  await startDockerd();
  await expectRecovery();
});

test("after a daemon that was stopped and started, the slots that served do, and no other", async () => {
  await endDockerd("TERM");
  await startDockerd();
  await expectRecovery();
});

test("after a power cut the slots that served do, and no other", async () => {
  const host = (verb: string) => must("bash", ["scripts/sandbox.sh", verb, "--net", inject("net"), "staging"], { cwd: top });
  await host("power-off");
  await host("power-on");
  await expectRecovery();
});

test("the next release switches as ever", async () => {
  const load = await startFrontsLoad();
  await release(clone, { shop: "fourth", stall: "fourth", scheduler: "fourth" });
  expectNothingLost(await load.stop());
  serving = {
    editions: { shop: "fourth", stall: "fourth" },
    containers: ["clerk", "scheduler", "shop", "shop-green", "stall", "stall-blue", "web"],
    fronts: "shop/live:green\nstall/live:blue",
  };
  await expectServing();
});
