// Looks at every process of this machine, and at folders, over and over, and notes where a secret shows.
// Reads one line of JSON, a WatchBrief; looks until its standard input ends; prints a WatchReport.
import { once } from "node:events";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";

/** What to look for, and where. */
export interface WatchBrief {
  /** Texts that must not show, by what they are called. */
  secrets: Record<string, string>;
  /** Folders in which no file that others can read may hold one. */
  folders: string[];
}

/** Where a secret showed. */
export interface Sighting {
  secret: string;
  /** A file that others can read, an argument list or an environment. */
  in: "file" | "arguments" | "environment";
  /** The file's path or the program's name. */
  where: string;
  /** Of a process: those that its job gave it, and those of containers, may have secrets in their environment. */
  fromJob: boolean;
  inContainer: boolean;
}

export interface WatchReport {
  sightings: Sighting[];
  /** Every argument list that was seen: what the watch did not miss. */
  commands: string[];
}

/** Processes whose environment has this variable were given it by the job that a test runs. */
export const jobMark = "COLDTIVATE_TEST_JOB";

/** Milliseconds between two looks. */
const pause = 2;

const othersRead = 0o004;
const othersEnter = 0o001;

/** Milliseconds in which a new process may still become another program. */
const youth = 2000;

async function main(): Promise<void> {
  hurry();
  const input = createInterface({ input: process.stdin });
  const ended = new AbortController();
  input.once("close", () => ended.abort());
  const [line] = (await once(input, "line")) as [string];
  const { secrets, folders } = JSON.parse(line) as WatchBrief;
  const commands = new Set<string>();
  const sightings = new Map<string, Sighting>();
  const note: Note = (text, sighting) => {
    for (const [secret, value] of Object.entries(secrets)) {
      if (text.includes(value)) sightings.set(JSON.stringify([secret, sighting]), { secret, ...sighting });
    }
  };
  let known = new Map<string, number>();
  for (let round = 0; !ended.signal.aborted; round++) {
    const now = performance.now();
    const pids = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && pid !== `${process.pid}`);
    known = new Map(pids.map((pid) => [pid, known.get(pid) ?? now]));
    for (const [pid, since] of known) if (now - since < youth || round % 20 === 0) lookAtProcess(pid, commands, note);
    if (round % 20 === 10) for (const folder of folders) lookAtFolder(folder, note);
    await wait(pause);
  }
  process.stdout.write(JSON.stringify({ sightings: [...sightings.values()], commands: [...commands] } satisfies WatchReport));
}

/** Programs that run for a few milliseconds are not to be missed on a busy machine. */
function hurry(): void {
  try {
    setPriority(-15);
  } catch {
    // Only root may.
  }
}

type Note = (text: string, sighting: Omit<Sighting, "secret">) => void;

function lookAtProcess(pid: string, commands: Set<string>, note: Note): void {
  const args = read(`/proc/${pid}/cmdline`);
  if (args === "") return;
  const command = args.replaceAll("\0", " ").trim();
  const environment = read(`/proc/${pid}/environ`);
  const process = {
    where: command.slice(0, 80),
    fromJob: environment.includes(`${jobMark}=`),
    inContainer: /\/[0-9a-f]{64}$/m.test(read(`/proc/${pid}/cgroup`)),
  };
  commands.add(command);
  note(args, { in: "arguments", ...process });
  note(environment, { in: "environment", ...process });
}

/** Files that others can get at and read. */
function lookAtFolder(folder: string, note: Note): void {
  try {
    const { mode } = lstatSync(folder);
    if ((mode & othersEnter) === 0) return;
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) lookAtFolder(path, note);
      else if (entry.isFile() && (lstatSync(path).mode & othersRead) !== 0)
        note(read(path), { in: "file", where: path, fromJob: false, inContainer: false });
    }
  } catch {
    // It went away meanwhile.
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

if (import.meta.main) await main();
