// The tests build on each other: each goes on from where the one before it came to.
import { readFile } from "node:fs/promises";
import { get } from "node:http";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { publish } from "../support/clones.ts";
import { expectRest, readContainers, replaceDocker } from "../support/host-state.ts";
import { ask, onHost, stagingHost } from "../support/hosts.ts";
import {
  composeFile,
  editions,
  expectNothingLost,
  frontServices,
  makeFrontsProject,
  release,
  removeFrontsProject,
  running,
  startFrontsLoad,
} from "../support/projects/fronts-project.ts";
import { expectRefusal } from "../support/refusal.ts";
import { coldtivate, must, sandbox } from "../support/run.ts";

const project = "small-staging";
const folder = "/opt/before";
const services = ["clerk", "scheduler", "shop", "stall", "web"];

let clone: string;

beforeAll(async () => {
  clone = await makeFrontsProject();
  await publish(clone, "feat: a shop that plain Compose runs");
  await setUpPlainly();
});
afterAll(async () => {
  await removeFrontsProject();
  await onHost("staging", `rm -rf ${folder}`);
});

/** Runs the project on staging as its people did before they knew coldtivate, under the same name. */
async function setUpPlainly(): Promise<void> {
  const { CI_REGISTRY, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD } = sandbox();
  const commit = await must("git", ["rev-parse", "--short=8", "HEAD"], { cwd: clone });
  const put = async (name: string) => `base64 -d >${folder}/${name} <<<'${(await readFile(join(clone, name))).toString("base64")}'`;
  await onHost(
    "staging",
    `mkdir -p ${folder} && cd ${folder}
     ${await put("docker-compose.yml")}
     ${await put(composeFile)}
     echo OPEN=yes >dotenv
     docker --config docker login --username '${CI_REGISTRY_USER}' --password-stdin ${CI_REGISTRY} <<<'${CI_REGISTRY_PASSWORD}'
     DOT_ENV_PATH=dotenv CI_REGISTRY_IMAGE=${CI_REGISTRY}/test/small CI_COMMIT_REF_SLUG=${commit} docker --config docker compose \
       --progress quiet -p ${project} -f docker-compose.yml -f ${composeFile} up --detach --wait
     docker exec ${project}-shop-1 sh -c 'echo "sold: two pens" >/ledger/today'`,
  );
}

/** What is in the shop's volume, as its container sees it. */
const readLedger = (slot = "") => onHost("staging", `docker exec ${project}-shop${slot}-1 cat /ledger/today`);

const volumes = () => onHost("staging", `docker volume ls -q --filter label=com.docker.compose.project=${project} | sort`);

/** Asks a shop on a connection of its own. Waiting for one to be made is given up early: a lost packet is sent again after a second. */
function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: stagingHost(), port, path: "/version", agent: false }, (response) => {
      response.resume().once("close", () => resolve(response.statusCode === 200));
    });
    request.once("socket", (socket) => {
      const impatience = setTimeout(() => request.destroy(new Error("no connection")), 200);
      socket.once("connect", () => clearTimeout(impatience));
    });
    request.once("error", () => resolve(false));
  });
}

/** Asks each shop over and over; tells the milliseconds between the answers around each time in which none came. */
function watchGaps(): () => Promise<Record<string, number[]>> {
  const ended = new AbortController();
  const watching = Object.entries(frontServices).map(async ([name, port]) => {
    const gaps: number[] = [];
    let [last, isFailing] = [performance.now(), false];
    while (!ended.signal.aborted) {
      const asked = performance.now();
      if (await isOpen(port)) {
        if (isFailing) gaps.push(Math.round(performance.now() - last));
        [last, isFailing] = [asked, false];
      } else isFailing = true;
      await wait(10);
    }
    return [name, gaps] as const;
  });
  return async () => {
    ended.abort();
    return Object.fromEntries(await Promise.all(watching));
  };
}

test("the plan of the first release tells of the move and of its gap, and that it can be taken back", async () => {
  const { exitCode, output } = await coldtivate(["deploy", "staging", "--dry-run"], { cwd: clone });
  expect(exitCode, output).toBe(0);
  console.info(output);
  for (const name of Object.keys(frontServices)) {
    expect(output).toMatch(new RegExp(`~ ${name} +was not started by coldtivate; moves behind a front: a gap of about a second, once`));
  }
  expect(output).toContain(
    `${services.join(", ")} were not started by coldtivate: what runs now stops for this release, starts again if it fails, and is removed once it serves`,
  );
});

/** Has the new front of the stall not start, until the test has ended. */
async function jamStall(): Promise<void> {
  const labels = '{{index .Config.Labels "com.docker.compose.service"}} {{index .Config.Labels "coldtivate.definition"}}';
  await replaceDocker(
    "staging",
    `[ "$1" != start ] || case $(/usr/bin/docker inspect --format '${labels}' "$2") in "stall "?*) echo the shutter is stuck >&2; exit 1 ;; esac`,
  );
}

test("a first release that fails has the very containers serve again that did", async () => {
  const containers = () => onHost("staging", "docker ps -a --no-trunc --format '{{.ID}} {{.Names}} {{.State}}' | sort");
  const before = await containers();
  await jamStall();
  const { stderr } = await expectRefusal(
    ["deploy", "staging"],
    { cwd: clone },
    {
      exitCode: 4,
      says: [
        "stall cannot take the place of its plain container",
        "the shutter is stuck",
        `Everything was undone on ${stagingHost()}: what was not started by coldtivate serves as before`,
      ],
    },
  );
  console.info(stderr);
  await expect.poll(editions, { timeout: 20_000 }).toEqual({ shop: "first", stall: "first" });
  expect(await containers()).toBe(before);
  const policies = services.map((name) => `${project}-${name}-1`).join(" ");
  expect(await onHost("staging", `docker inspect --format '{{.HostConfig.RestartPolicy.Name}}' ${policies} | uniq`)).toBe("always");
  expect(await readLedger()).toBe("sold: two pens");
});

test("the first release takes over what plain Compose runs: its data stays, and each shop has one gap", async () => {
  const before = await volumes();
  const gapsOf = watchGaps();
  const { exitCode, output } = await coldtivate(["deploy", "staging"], { cwd: clone });
  expect(exitCode, output).toBe(0);
  const gaps = await gapsOf();
  const told = [...output.matchAll(/nothing of (\S+) ran for (\d+) ms/g)].map(([, name, time]) => [name, Number(time)]);
  console.info("gaps as seen", gaps, "as told", told);
  expect(told.map(([name]) => String(name)).toSorted((a, b) => a.localeCompare(b))).toEqual(services);
  for (const found of Object.values(gaps)) expect(found).toHaveLength(1);
  expect(await running()).toEqual(["clerk", "scheduler", "shop", "shop-blue", "stall", "stall-blue", "web"]);
  const ours = await onHost("staging", `docker ps -a --filter label=com.docker.compose.project=${project} --format '{{.Names}}' | sort`);
  expect(ours.split("\n")).toEqual(
    ["clerk", "scheduler", "shop", "shop-blue", "stall", "stall-blue", "web"].map((name) => `${project}-${name}-1`),
  );
  expect(await readLedger("-blue")).toBe("sold: two pens");
  expect(await volumes()).toBe(before);
  expect(await editions()).toEqual({ shop: "first", stall: "first" });
  await expectRest("staging", project);
});

test("a deploy of what serves now does nothing", async () => {
  const before = await readContainers("staging", project);
  const { exitCode, output } = await coldtivate(["deploy", "staging"], { cwd: clone });
  expect(exitCode, output).toBe(0);
  expect(output).toContain("nothing to do");
  expect(await readContainers("staging", project)).toBe(before);
});

test("the next release has no gap", async () => {
  const load = await startFrontsLoad();
  await release(clone, { shop: "second", stall: "second", scheduler: "second" });
  const report = await load.stop();
  console.info(`${report.answered} answered, longest ${report.longest} ms`);
  expectNothingLost(report);
  expect(report.commits).toEqual({ shop: ["first", "second"], stall: ["first", "second"] });
  expect(await running()).toEqual(["clerk", "scheduler", "shop", "shop-green", "stall", "stall-green", "web"]);
  expect(await readLedger("-green")).toBe("sold: two pens");
  expect((await ask(`${stagingHost()}:${frontServices.shop}`, "version"))?.["commit"]).toBe("second");
});
