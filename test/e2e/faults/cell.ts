import { readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "vitest";
import { start, type LiveCommand } from "../live-command.ts";
import type { Load } from "../load.ts";
import { coldtivate, onHost, run, type Ran } from "../world.ts";
import { answering, containers, loadBooth, other, project, wholeEdition, type Edition } from "./booth.ts";
import { aim, kinds, type Kind, type KindName } from "./kinds.ts";
import { hostFolder, keptReleases, read } from "./machine.ts";

/** What came of a release that a fault met. */
export interface Outcome {
  serves: "old" | "new";
  /** How the host came to rest. */
  rest: "by itself" | "recover";
  /** Requests that failed. */
  failed: number;
  answered: number;
  /** From the fault until the host was at rest, in seconds. */
  seconds: number;
}

/** Milliseconds that anything may take. */
const patience = 150_000;

export const stateFolder = (): string => join(hostFolder(), "home/deploy/.coldtivate", project);

/** The edition that serves and its release. */
export interface Serving {
  edition: Edition;
  release: string;
}

/** What serves now, where it serves whole. */
export async function readServing(): Promise<Serving> {
  const [edition] = await answering();
  return { edition: edition as Edition, release: await current() };
}

/** Releases an edition, undisturbed. */
export async function deployEdition(clone: string, edition: Edition): Promise<Serving> {
  const { exitCode, output } = await coldtivate(["deploy", "staging", "--ref", edition], { cwd: clone });
  expect(exitCode, output).toBe(0);
  return { edition, release: await current() };
}

/** The steps of the last release's plan, by verb and arguments. */
export async function lastPlan(): Promise<string[]> {
  const plan = await readFile(join(stateFolder(), "current/plan"), "utf8");
  return plan.trimEnd().split("\n");
}

/**
 * Releases the other edition under load, has a fault strike as a step begins, and expects the host to come to rest with
 * one of the two editions, whole.
 */
export async function strikeAt(clone: string, before: Serving, name: KindName, step: number): Promise<Outcome & { serving: Serving }> {
  const kind: Kind = kinds[name];
  const edition = other(before.edition);
  // So that there is something to pull.
  await onHost("staging", "docker image prune --all --force");
  const known = await keptReleases(stateFolder());
  const load = await loadBooth();
  const deploy = start(["deploy", "staging", "--ref", edition], { cwd: clone });
  try {
    const release = await begun(known, deploy);
    const journal = journalOf(release);
    const target = await aim(deploy.pid, release);
    await stepBegins(release, step, deploy);
    const struck = performance.now();
    await kind.strike(target);
    const ended = await bounded(deploy.ended, "the client does not end");
    await kind.mend?.();
    const rest = await comeToRest(clone, journal, kind, ended);
    const seconds = (performance.now() - struck) / 1000;
    const serving = (await current()) === release ? { edition, release } : before;
    await expectWhole(serving);
    const { clock } = await load.look();
    await expectJournal(journal, serving.release === release);
    await expectNoTraces();
    const report = await finish(load);
    const failed = Object.values(report.failures).reduce((sum, count) => sum + count, 0);
    if (kind.stopsService) expect(report.lastFailure ?? 0, report.examples.join("\n")).toBeLessThan(clock);
    else expect(report.examples).toEqual([]);
    return { serves: serving === before ? "old" : "new", rest, failed, answered: report.answered, seconds, serving };
  } catch (error) {
    await load.stop().catch(() => undefined);
    throw error;
  } finally {
    deploy.kill("SIGKILL");
  }
}

const journalOf = (release: string): string => join(stateFolder(), "releases", release, "journal");

/** The release that the CLI made, once the host works on it. */
export async function begun(known: readonly string[], deploy: LiveCommand): Promise<string> {
  let release: string | undefined;
  await until(deploy, async () => {
    release = (await keptReleases(stateFolder())).find((id) => !known.includes(id));
    return release !== undefined && (await read(journalOf(release))).includes("\t0\tbegin\t");
  });
  return release!;
}

/** Resolves once a step begins; looks closely, so that little time passes until the fault. */
export async function stepBegins(release: string, step: number, deploy: LiveCommand): Promise<void> {
  const pattern = new RegExp(`\\t${step}\\tbegin\\t`);
  await until(deploy, async () => pattern.test(await read(journalOf(release))));
}

async function until(deploy: LiveCommand, holds: () => Promise<boolean>): Promise<void> {
  let ended: Ran | undefined;
  void deploy.ended.then((ran) => (ended = ran));
  while (!(await holds())) {
    if (ended !== undefined) throw new Error(`the deploy ended before the fault:\n${ended.output}`);
    await wait(2);
  }
}

const end = /\t0\t(finished|undone|broken)\t/;

/** Waits for the end, or runs the command that the message names. */
async function comeToRest(clone: string, journal: string, kind: Kind, { output }: Ran): Promise<Outcome["rest"]> {
  const isFree = async () => (await run("flock", ["-sn", join(stateFolder(), "running"), "true"])).exitCode === 0;
  const isAtRest = async () => end.test(await read(journal)) && (await isFree());
  if (kind.comesToRest === "alone") {
    await expect.poll(isAtRest, { timeout: patience, message: output }).toBe(true);
    return "by itself";
  }
  // What it was about to do when it died may have been its last word.
  if (await isAtRest()) return "by itself";
  expect(output).toContain("coldtivate recover staging");
  const recovered = await coldtivate(["recover", "staging"], { cwd: clone });
  expect(recovered.exitCode, recovered.output).toBe(0);
  // Who carried it out has said its last word, and is about to end.
  await expect.poll(isAtRest, { timeout: 5000, message: recovered.output }).toBe(true);
  return "recover";
}

/** One edition serves, all of it and nothing else. */
export async function expectWhole({ edition }: Serving): Promise<void> {
  const slot = (await read(join(stateFolder(), "fronts/shop/live"))).trim();
  await expect.poll(containers, { timeout: 60_000 }).toEqual(wholeEdition(edition, slot));
  await expect.poll(answering, { timeout: 20_000 }).toEqual([edition, edition]);
}

/** The journal has one beginning and one end, which is the one that was seen. */
async function expectJournal(journal: string, isNew: boolean): Promise<void> {
  const lines = (await readFile(journal, "utf8")).trimEnd().split("\n");
  const words = lines.map((line) => line.split("\t")).flatMap(([, step, word]) => (step === "0" ? [word] : []));
  expect(words.filter((word) => word === "begin" || word === "committed" || word === "finished" || word === "undone")).toEqual(
    isNew ? ["begin", "committed", "finished"] : ["begin", "undone"],
  );
}

/** Nothing half done lies around. */
async function expectNoTraces(): Promise<void> {
  const left = await onHost(
    "staging",
    `ls -d /home/deploy/.coldtivate/incoming.* /dev/shm/coldtivate.* 2>/dev/null
     docker ps -a --filter label=com.docker.compose.oneoff=True --format 'task container {{.Names}}'
     docker ps -a --filter status=created --filter status=exited --filter status=dead --format '{{.Names}} {{.Status}}'
     true`,
  );
  expect(left).toBe("");
}

/** Lets the load see what serves now for a while. */
export async function finish(load: Load) {
  const { answered } = await load.look();
  await expect.poll(async () => (await load.look()).answered, { timeout: 30_000 }).toBeGreaterThan(answered + 30);
  return load.stop();
}

async function current(): Promise<string> {
  return (await readlink(join(stateFolder(), "current"))).split("/").at(-1)!;
}

async function bounded<T>(promise: Promise<T>, complaint: string): Promise<T> {
  const cancel = new AbortController();
  const late = wait(patience, undefined, { signal: cancel.signal }).then(() => Promise.reject(new Error(complaint)));
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    cancel.abort();
  }
}
