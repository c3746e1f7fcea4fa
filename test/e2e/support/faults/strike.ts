import { readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "vitest";
import { onHost } from "../hosts.ts";
import type { LiveCommand } from "../live-command.ts";
import type { Load } from "../load/load.ts";
import { hostFolder, keptReleases, read } from "../machines.ts";
import {
  answering,
  containers,
  deployArguments,
  migrated,
  migrations,
  misname,
  patience as gatePatience,
  project,
  schedulerSees,
  startEveryStepLoad,
  usualMemory,
  variablesOf,
  wholeEdition,
  type Edition,
  type Memory,
} from "../projects/every-step-project.ts";
import { coldtivate, run, type Ran } from "../run.ts";
import type { Attempt, State } from "./attempt.ts";
import { aim, kinds, type Kind, type KindName } from "./fault-kinds.ts";
import { nameStep } from "./table.ts";

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
  /** How many steps the release had. */
  of: number;
}

/** Milliseconds that anything may take. */
const patience = 150_000;

export const stateFolder = (): string => join(hostFolder(), "home/deploy/.coldtivate", project);

/** What a host serves, and as which release. */
export interface Serving extends State {
  release: string;
}

/** What serves now, where it serves whole. */
export async function readServing(memory: Memory = usualMemory): Promise<Serving> {
  const [edition] = await answering();
  return { edition: edition as Edition, memory, release: await current() };
}

/** Releases an edition, undisturbed. */
export async function deployEdition(clone: string, edition: Edition, memory: Memory = usualMemory): Promise<Serving> {
  await misname();
  const { exitCode, output } = await coldtivate(deployArguments(edition), { cwd: clone, env: variablesOf(edition) });
  expect(exitCode, output).toBe(0);
  return { edition, memory, release: await current() };
}

/** Carries out what a fault is to meet another time. */
export async function attemptUndisturbed({ begin, becomes }: Attempt): Promise<Serving> {
  const { exitCode, output } = await begin().ended;
  expect(exitCode, output).toBe(0);
  return { ...becomes, release: await current() };
}

/** The steps of a release's plan, by verb and arguments; of the last one's unless it is named. */
export async function readPlan(release = "../current", file: "plan" | "plan.full" = "plan"): Promise<string[]> {
  const plan = await readFile(join(stateFolder(), "releases", release, file), "utf8");
  return plan.trimEnd().split("\n").map(nameStep);
}

/**
 * Begins a release under load, has a fault strike as a step begins, and expects the host to come to rest with that release or
 * with what served before, whole.
 */
export async function strikeAt(before: Serving, attempt: Attempt, name: KindName, step: string): Promise<Outcome & { serving: Serving }> {
  const kind: Kind = kinds[name];
  await attempt.prepare();
  const known = await keptReleases(stateFolder());
  const past = attempt.again === undefined ? "" : await read(journalOf(attempt.again));
  const ran = await migrated();
  const load = await startEveryStepLoad();
  const command = attempt.begin();
  try {
    const release = attempt.again === undefined ? await begun(known, command) : await begunAgain(attempt.again, past, command);
    const journal = journalOf(release);
    const target = await aim(command.pid, release);
    const steps = await readPlan(release);
    expect(steps).toContain(step);
    await stepBegins(release, steps.indexOf(step) + 1, command);
    const struck = performance.now();
    await kind.strike(target);
    const ended = await bounded(command.ended, "the client does not end");
    await kind.mend?.("staging");
    const rest = await comeToRest(attempt, journal, kind, ended);
    const seconds = (performance.now() - struck) / 1000;
    const serving = (await current()) === release ? { ...attempt.becomes, release } : before;
    await expectWhole(serving);
    const { clock } = await load.look();
    await expectJournal(journal, serving.release === release);
    await expectNoTraces();
    await expectMigrated({ ran, before, serving, becomes: attempt.becomes });
    const report = await finish(load);
    const failed = Object.values(report.failures).reduce((sum, count) => sum + count, 0);
    if (kind.stopsService || attempt.hasGap) expect(report.lastFailure ?? 0, report.examples.join("\n")).toBeLessThan(clock);
    else expect(report.examples).toEqual([]);
    const serves = serving === before ? "old" : "new";
    return { serves, rest, failed, answered: report.answered, seconds, of: steps.length, serving };
  } catch (error) {
    await load.stop().catch(() => undefined);
    throw error;
  } finally {
    command.kill("SIGKILL");
  }
}

const journalOf = (release: string): string => join(stateFolder(), "releases", release, "journal");

/** The release that the CLI made, once the host works on it. */
export function begun(known: readonly string[], deploy: LiveCommand): Promise<string> {
  return deploy.waits(async () => {
    const release = (await keptReleases(stateFolder())).find((id) => !known.includes(id));
    return release !== undefined && (await read(journalOf(release))).includes("\t0\tbegin\t") ? release : undefined;
  });
}

/** The same for a release that was there before. */
function begunAgain(release: string, past: string, deploy: LiveCommand): Promise<string> {
  return deploy.waits(async () => {
    const journal = await read(journalOf(release));
    const isNew = journal.includes("\t0\tbegin\t") && !journal.startsWith(past.slice(0, past.indexOf("\n") + 1));
    return isNew ? release : undefined;
  });
}

/** Resolves once a step begins; looks closely, so that little time passes until the fault. */
export async function stepBegins(release: string, step: number, deploy: LiveCommand): Promise<void> {
  const pattern = new RegExp(`\\t${step}\\tbegin\\t`);
  await deploy.waits(async () => pattern.test(await read(journalOf(release))) || undefined);
}

const end = /\t0\t(finished|undone|broken)\t/;

/** Waits for the end, or runs the command that the message names. */
async function comeToRest({ recovery }: Attempt, journal: string, kind: Kind, { output }: Ran): Promise<Outcome["rest"]> {
  const isFree = async () => (await run("flock", ["-sn", join(stateFolder(), "running"), "true"])).exitCode === 0;
  const isAtRest = async () => end.test(await read(journal)) && (await isFree());
  if (kind.comesToRest === "alone") {
    await expect.poll(isAtRest, { timeout: patience, message: output }).toBe(true);
    return "by itself";
  }
  // What it was about to do when it died may have been its last word.
  if (await isAtRest()) return "by itself";
  expect(output).toMatch(recovery.told);
  const recovered = await recovery.run();
  expect(recovered.exitCode, recovered.output).toBe(0);
  // Who carried it out has said its last word, and is about to end.
  await expect.poll(isAtRest, { timeout: 5000, message: recovered.output }).toBe(true);
  return "recover";
}

/** One edition serves, all of it and nothing else. */
export async function expectWhole({ edition, memory }: State): Promise<void> {
  const live = async (front: string) => (await read(join(stateFolder(), `fronts/${front}/live`))).trim();
  const slots = { shop: await live("shop"), gate: await live("gate") };
  await expect.poll(containers, { timeout: 60_000 }).toEqual(wholeEdition(edition, slots, memory));
  await expect.poll(answering, { timeout: 20_000 }).toEqual([edition, edition, "same"]);
  expect(await read(join(stateFolder(), "fronts/gate/haproxy.cfg"))).toContain(`timeout server ${gatePatience[edition]}ms`);
  // Found out by asking; a release that leaves a service alone has it from the one before.
  for (const front of ["shop", "till"]) expect(await read(join(stateFolder(), `current/fronts/${front}.found`))).toContain("http\t8000");
  expect(await schedulerSees()).toEqual([`The ${edition} edition.`, `The ${edition} edition.`, edition, `${project}-gate-1`]);
}

interface Migrated {
  /** The editions that ran before. */
  ran: readonly string[];
  before: State;
  serving: State;
  becomes: State;
}

/** What runs to its end did so for the release alone: that of what served before is not run again, whatever happens. */
async function expectMigrated({ ran, before, serving, becomes }: Migrated): Promise<void> {
  const since = (await migrated()).slice(ran.length);
  expect(since).toEqual(since.map(() => becomes.edition));
  const left = await migrations();
  expect(left).toEqual(left.map(() => `EDITION=${serving.edition} exited 0`));
  if (serving.edition !== before.edition) expect({ left: left.length, since: since.length > 0 }).toEqual({ left: 1, since: true });
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
     docker ps -a --filter status=created --filter status=exited --filter status=dead --format '{{.Names}} {{.Status}}' | grep -v '^${project}-migrate-1 Exited (0)'
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
