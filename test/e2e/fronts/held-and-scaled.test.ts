// The tests build on each other: each goes on from where the one before it came to.
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { edit, publish } from "../support/clones.ts";
import { onHost, stagingHost } from "../support/hosts.ts";
import { startLoad, type Load, type LoadReport } from "../support/load/load.ts";
import { makeSmallProject, removeSmallProject } from "../support/projects/small-project.ts";
import { top } from "../support/repository.ts";
import { coldtivate } from "../support/run.ts";

const fronts = ["till", "crowd", "gate"];

/** The most memory that a front may take, in MiB. */
const frontMemory = 15;

/** Asks both services through the gateway, on connections that are kept alive. */
function startGatewayLoad(): Promise<Load> {
  const requests = ["till", "crowd"].flatMap((name) => [`GET /${name}/version`, `POST /${name}/receipt`]);
  const origin = `http://${stagingHost()}:8127`;
  return startLoad({ lanes: [1, 2, 3].map((lane) => ({ name: `${lane}`, origin, protocol: "h1", requests })), perSecond: 50 });
}

function expectNothingLost({ answered, failures, examples, longest }: LoadReport): void {
  console.info(`${answered} answered, the slowest after ${longest} ms`);
  expect({ failures, examples }).toEqual({ failures: {}, examples: [] });
  expect(answered).toBeGreaterThan(20);
}

/** Names of the project's containers by id. */
async function containers(): Promise<Record<string, string>> {
  const lines = await onHost(
    "staging",
    "docker ps -a --filter label=com.docker.compose.project=small-staging --format '{{.Names}} {{.ID}}'",
  );
  return Object.fromEntries(lines.split("\n").map((line) => line.replace("small-staging-", "").split(" ") as [string, string]));
}

async function names(service: string): Promise<string[]> {
  return Object.keys(await containers())
    .filter((name) => name.startsWith(`${service}-`))
    .toSorted();
}

/** What each front uses, in MiB. */
async function memoryOfFronts(): Promise<number[]> {
  const shown = fronts.map((front) => `small-staging-${front}-1`).join(" ");
  const lines = await onHost("staging", `docker stats --no-stream --format '{{.MemUsage}}' ${shown}`);
  return lines.split("\n").map((line) => {
    expect(line).toContain("MiB /");
    return Number.parseFloat(line);
  });
}

describe("a held service and one of several containers, behind a gateway", () => {
  let clone: string;
  let load: Load;

  const run = async (...args: string[]) => {
    const { exitCode, output } = await coldtivate(args, { cwd: clone });
    expect(exitCode, output).toBe(0);
    return output;
  };
  const release = async (change: (text: string) => string) => {
    await edit(clone, "docker-compose.yml", change);
    await publish(clone, "feat: another edition");
    load = await startGatewayLoad();
    const output = await run("deploy", "staging");
    const report = await load.stop();
    expectNothingLost(report);
    return { output, report };
  };

  beforeAll(async () => {
    clone = await makeSmallProject();
    const folder = join(top, "test/e2e/support/projects/held-and-scaled");
    const compose = await readFile(join(clone, "docker-compose.yml"), "utf8");
    const written = await readFile(join(folder, "docker-compose.yml"), "utf8");
    await writeFile(join(clone, "docker-compose.yml"), `${compose.slice(0, compose.indexOf("\nservices:"))}\n${written}`);
    await mkdir(join(clone, "front"));
    const files = {
      "coldtivate.yml": "coldtivate.yml",
      "server.py": "web/server.py",
      Caddyfile: "web/Caddyfile",
      "Dockerfile.front": "front/Dockerfile",
    };
    for (const [from, to] of Object.entries(files)) await cp(join(folder, from), join(clone, to));
    await writeFile(join(clone, "front/edition.txt"), "one\n");
    await publish(clone, "feat: begin");
    await run("deploy", "staging");
  });

  afterAll(removeSmallProject);

  test("requests to the held one wait while it is replaced, and it never runs twice", async () => {
    const { report } = await release((text) => text.replace("SERVICE: till, EDITION: one", "SERVICE: till, EDITION: two"));
    expect(report.commits["till"]).toEqual(["one", "two"]);
    console.info(`requests waited ${report.longest} ms at most`);
    expect(await names("till")).toEqual(["till-1", "till-slot-1"]);
  });

  test("all containers of a slot take over together", async () => {
    const { report } = await release((text) => text.replace("SERVICE: crowd, EDITION: one", "SERVICE: crowd, EDITION: two"));
    expect(report.commits["crowd"]).toEqual(["one", "two"]);
    expect(await names("crowd")).toEqual(["crowd-1", "crowd-green-1", "crowd-green-2", "crowd-green-3"]);
  });

  test.each([
    ["fewer", "scale: 3", "scale: 2", ["crowd-1", "crowd-blue-1", "crowd-blue-2"]],
    ["more", "scale: 2", "scale: 4", ["crowd-1", "crowd-green-1", "crowd-green-2", "crowd-green-3", "crowd-green-4"]],
  ])("a slot can have %s containers", async (_name, before, after, expected) => {
    await release((text) => text.replace(before, after));
    expect(await names("crowd")).toEqual(expected);
  });

  test("fronts are updated without loss where they publish nothing, and slots stay the same", async () => {
    await edit(clone, "front/edition.txt", () => "two\n");
    await edit(clone, "coldtivate.yml", (text) => text.replace("front:main", 'front:main", memory: "32m'));
    await publish(clone, "feat: another HAProxy");
    const before = await containers();
    expect(await run("deploy", "staging")).toContain("`coldtivate fronts` updates them");
    expect(await containers()).toEqual(before);
    load = await startGatewayLoad();
    const output = await run("fronts", "staging", "till", "crowd");
    expectNothingLost(await load.stop());
    expect(output).toContain("without a gap");
    const after = await containers();
    expect(Object.keys(after).toSorted()).toEqual(Object.keys(before).toSorted());
    const replaced = Object.keys(after).filter((name) => after[name] !== before[name]);
    expect(replaced.toSorted()).toEqual(["crowd-1", "till-1"]);
    const editions = await onHost("staging", "for name in till crowd gate; do docker exec small-staging-$name-1 cat /edition.txt; done");
    expect(editions.split("\n")).toEqual(["two", "two", "one"]);
  });

  test("one that publishes a port is updated with a gap that is told, and then there is nothing to do", async () => {
    const output = await run("fronts", "staging");
    expect(output).toContain("gate: one front alone can have its published port 8127: a gap of about a second");
    expect(output).toMatch(/nothing of gate ran for \d+ ms/);
    expect(await run("fronts", "staging")).toContain("nothing to do");
    load = await startGatewayLoad();
    expect(await run("deploy", "staging")).toContain("nothing to do");
    expectNothingLost(await load.stop());
    expect(Math.max(...(await memoryOfFronts()))).toBeLessThan(frontMemory);
  });
});
