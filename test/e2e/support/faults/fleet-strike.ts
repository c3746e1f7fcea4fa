import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { Host } from "../hosts.ts";
import { start } from "../live-command.ts";
import { hostFolder, keptReleases, read } from "../machines.ts";
import { fleet, fleetProject, lastEnd, served } from "../projects/fleet-project.ts";
import { startFrontsLoad } from "../projects/fronts-project.ts";
import { coldtivate, run } from "../run.ts";
import { aim, kinds, type Kind, type KindName } from "./fault-kinds.ts";
import { finish, type Outcome } from "./strike.ts";
import { nameStep } from "./table.ts";

/** The host that the faults meet. */
const struck = "host1";

/** Milliseconds that the hosts may take to come to rest. */
const patience = 150_000;

const stateOf = (host: Host): string => join(hostFolder(host), "home/deploy/.coldtivate", fleetProject);

/** Releases to all hosts, undisturbed. */
export async function deployToFleet(clone: string, env: Record<string, string>): Promise<void> {
  const { exitCode, output } = await coldtivate(["deploy", "staging"], { cwd: clone, env });
  expect(exitCode, output).toBe(0);
}

/**
 * Releases to all hosts under load, has a fault strike the third one as it comes to a barrier, and expects all of them to come
 * to rest with one release.
 */
export async function strikeFleet(clone: string, env: Record<string, string>, name: KindName, barrier: string): Promise<Outcome> {
  const kind: Kind = kinds[name];
  const before = await served();
  const known = await keptReleases(stateOf(struck));
  const load = await startFrontsLoad();
  const deploy = start(["deploy", "staging"], { cwd: clone, env });
  try {
    const release = await deploy.waits(async () => {
      const id = (await keptReleases(stateOf(struck))).find((each) => !known.includes(each));
      return id !== undefined && (await read(journalOf(id))).includes("\t0\tbegin\t") ? id : undefined;
    });
    const target = await aim(deploy.pid, release, struck);
    const steps = (await readFile(join(stateOf(struck), "releases", release, "plan"), "utf8")).trimEnd().split("\n").map(nameStep);
    const begins = `\t${steps.indexOf(barrier) + 1}\tbegin\t`;
    expect(steps).toContain(barrier);
    await deploy.waits(async () => ((await read(journalOf(release))).includes(begins) ? true : undefined));
    const since = performance.now();
    await kind.strike(target);
    const ended = await deploy.ended;
    await kind.mend?.(struck);
    const rest = await comeToRest(clone, env, ended.output, kind);
    const seconds = (performance.now() - since) / 1000;
    const { exitCode, output } = await coldtivate(["status", "staging"], { cwd: clone, env });
    expect(exitCode, output).toBe(0);
    const report = await finish(load);
    expect(report.examples).toEqual([]);
    const serves = (await served())[0] === before[0] ? "old" : "new";
    return { serves, rest, failed: 0, answered: report.answered, seconds, of: steps.length };
  } catch (error) {
    await load.stop().catch(() => undefined);
    throw error;
  } finally {
    deploy.kill("SIGKILL");
  }
}

const journalOf = (release: string): string => join(stateOf(struck), "releases", release, "journal");

/** Waits until all hosts serve one release, or runs the command that the message names. */
async function comeToRest(clone: string, env: Record<string, string>, said: string, kind: Kind): Promise<Outcome["rest"]> {
  if (kind.comesToRest === "alone") {
    await expect.poll(areAtRest, { timeout: patience, message: said }).toBe(true);
    if (await serveOne()) return "by itself";
  } else if ((await areAtRest()) && (await serveOne())) return "by itself";
  // Without a word from who was killed, it is `status` that names it.
  const told = said.includes("✗") ? said : (await coldtivate(["status", "staging"], { cwd: clone, env })).output;
  expect(told).toContain("coldtivate recover staging");
  const recovered = await coldtivate(["recover", "staging"], { cwd: clone, env });
  expect(recovered.exitCode, recovered.output).toBe(0);
  await expect.poll(areAtRest, { timeout: 10_000, message: recovered.output }).toBe(true);
  expect(await serveOne(), recovered.output).toBe(true);
  return "recover";
}

const serveOne = async (): Promise<boolean> => new Set(await served()).size === 1;

async function areAtRest(): Promise<boolean> {
  const each = fleet.map(async (host) => {
    const lock = await run("flock", ["-sn", join(stateOf(host), "running"), "true"]);
    return lock.exitCode === 0 && (await lastEnd(host)) !== "";
  });
  return (await Promise.all(each)).every(Boolean);
}
