import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import type { Credentials } from "../config/config.ts";
import { ColdtivateError } from "../errors.ts";
import type { HostState } from "../release/host-state.ts";
import { hostFault } from "./host-fault.ts";
import { parseFields, parseState } from "../release/observation.ts";
import { bash } from "./remote-shell.ts";
import type { HostConnection } from "./ssh.ts";
import { packTar, type TarEntry } from "./tar.ts";

const scriptName = "environment-deployment-management.sh";

/**
 * The script that runs on the hosts, with its parts beside it, as it is sent to them.
 *
 * @param root of an installed coldtivate
 */
export async function readHostScript(root: string): Promise<TarEntry[]> {
  const folder = scriptName.replace(/\.sh$/, "");
  const parts = (await readdir(join(root, "scripts", folder))).toSorted().map((part) => `${folder}/${part}`);
  const read = (path: string) => readFile(join(root, "scripts", path));
  return [
    { path: scriptName, content: await read(scriptName), mode: 0o700 },
    ...(await Promise.all(parts.map(async (path) => ({ path, content: await read(path) })))),
  ];
}

/** One line of a release's journal. Step 0 is the release itself. */
export interface JournalLine {
  /** Microseconds since the epoch. */
  time: number;
  step: number;
  state: string;
  detail: string;
}

/**
 * Starts the two commands of a deploy before there is anything to send them: they wait for it on the host.
 *
 * @param name of the Compose project
 * @param script what readHostScript gave
 */
export function expectDeploy(connection: HostConnection, name: string, script: readonly TarEntry[]): void {
  connection.startAhead(observeCommand(name, script));
  connection.startAhead(applyCommand(name));
}

/** The part of the script that asks the engine, and that goes ahead of the rest. */
const askingPart = "ask.sh";

/** What the script runs, beside bash and Docker. */
const tools = ["awk", "base64", "comm", "date", "df", "flock", "gzip", "head", "mktemp", "setsid", "sed", "sort", "stat", "tar", "timeout"];

/** How a host says which of them it does not have. */
const lacking = "missing here:";

/** Has the engine asked at once, then waits for a first line, and leaves the host as it is where none comes. */
function observeCommand(name: string, script: readonly TarEntry[]): string {
  const asking = script.find(({ path }) => path.endsWith(`/${askingPart}`))?.content.toString() ?? "";
  return bash(
    `printf -v asking %b "${inOctal(asking)}"; eval "$asking"; r=$(readlink "$HOME/.coldtivate/${name}/current") || r=-; ask_engine ${name} "\${r##*/}"; ` +
      // What a power cut left behind holds a dotenv. What an older coldtivate had containers mount there stays.
      `umask 077; read -r _ || exit 0; for t in ${tools.join(" ")}; do command -v $t >/dev/null || m="$m $t"; done; [ -z "$m" ] || { echo "${lacking}$m" >&2; exit 3; }; mkdir -p "$HOME/.coldtivate" && { sweep() { while IFS= read -r p; do rm -f "$p"/{ask.sh,environment-deployment-management.sh,dotenv,defaults,environment,arguments,key,model,error,past}; rm -rf "$p"/{compose,environment-deployment-management}; rmdir "$p"; done; }; find "$HOME/.coldtivate" -mindepth 1 -maxdepth 1 -name "incoming.*" -mmin +60 -print 2>/dev/null | sweep >/dev/null 2>&1 & d=$(mktemp -d "$HOME/.coldtivate/incoming.XXXXXX") && trap "rm -rf \\"$d\\"" EXIT && ` +
      `tar -xzf - -C "$d" && bash "$d/${scriptName}" -p ${name} observe "$d"; }`,
  );
}

/** Reads the release's name and how long its tar is from a first line; no line: there is nothing to do. */
function applyCommand(name: string): string {
  return bash(
    `umask 077; read -r release length || exit 0; d="$HOME/.coldtivate/${name}/releases/$release"; mkdir -p "\${d%/*}" && ` +
      `{ mkdir "$d" 2>/dev/null || { [ ! -e "$d" ] && mkdir "$d"; } || { printf "0\\t0\\trefused\\tbusy\\n"; echo "Another deploy of this commit began in the same second." >&2; exit 3; }; } && ` +
      `{ head -c "$length" | tar -xpzf - -C "$d" || { rm -rf "$d"; exit 3; }; } && ` +
      `exec bash "$d/${scriptName}" -p ${name} -c deploy "$release"`,
  );
}

/** A text for printf's %b, without anything that a shell would take for its own. */
export function inOctal(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9 _.,:/=+@{}()<>|&;-]/g, (character) =>
    [...Buffer.from(character)].map((byte) => `\\0${byte.toString(8).padStart(3, "0")}`).join(""),
  );
}

/** What hosts are asked. */
export interface Question {
  /** The script, with what belongs to it. */
  entries: readonly TarEntry[];
  input: Buffer;
}

/**
 * Packs what hosts are sent to be asked: the same for all of them.
 *
 * @param entries script, Compose files, dotenv, variables, arguments; see docs/architecture.md
 */
export async function packQuestion(entries: readonly TarEntry[]): Promise<Question> {
  return { entries, input: Buffer.concat([Buffer.from("\n"), await packTar(entries)]) };
}

/**
 * Asks a host what it has and runs, and what the release's Compose files come to there. Changes nothing on it.
 *
 * @param name of the Compose project, which is the state directory's, too
 * @param question what packQuestion made
 */
export async function observeHost(connection: HostConnection, name: string, question: Question, signal?: AbortSignal): Promise<HostState> {
  const options = { stdin: question.input, ...(signal === undefined ? {} : { signal }) };
  const { code, stdout, stderr } = await connection.exec(observeCommand(name, question.entries), options);
  if (code !== 0) {
    const why = hostFault(connection.host, { code, stdout: stdout.toString(), stderr });
    if (why !== undefined) throw why;
    throw new ColdtivateError(`${connection.host}: the host cannot be deployed to`, {
      code: "HOST_NOT_READY",
      exit: "refused",
      details: stderr.trim() === "" ? [`its script ended with ${code}, without a word`] : lines(stderr),
      hint: "Nothing was changed there. Correct what the host says, then run the same command again.",
    });
  }
  return parseState(connection.host, parseFields(stdout));
}

export interface Application {
  /** Name of the Compose project. */
  name: string;
  release: string;
  /** compose.json, manifest.json, plan, who, the script, files/… */
  entries: readonly TarEntry[];
  /** For the registries that the host pulls from. */
  credentials: readonly { registry: string; credentials: Credentials }[];
  onLine(line: JournalLine): void;
  /** Gets what speaks to the script while it is at work: `go BARRIER`, `abort`, `here`; docs/architecture.md has them. */
  onStart?: (say: (message: string) => void) => void;
  /** Aborted: the host is left alone, once it has begun. */
  detach?: AbortSignal;
}

/** How a release came to its end on a host. */
export interface Ending {
  /** The script's exit code. */
  code: number;
  /** What it said to people. */
  stderr: string;
}

/**
 * Sends a release to a host, has the script carry out its plan, and follows the journal to its end.
 *
 * @throws the reason of `detach` when it is left alone; ColdtivateError CONNECTION_LOST
 */
export async function applyRelease(connection: HostConnection, application: Application): Promise<Ending> {
  const { name, release, entries, onStart } = application;
  const archive = await packTar(entries);
  const credentials = application.credentials.map(
    ({ registry, credentials: { username, password } }) => `${registry}\t${username}\t${password.reveal()}\n`,
  );
  const stdin = new PassThrough();
  stdin.write(Buffer.concat([Buffer.from(`${release} ${archive.length}\n`), archive, Buffer.from(`${credentials.join("")}\n`)]));
  onStart?.((message) => stdin.writable && stdin.write(`${message}\n`));
  try {
    return await followJournal(connection, applyCommand(name), { ...application, stdin });
  } finally {
    stdin.end();
  }
}

/** Follows a release that a host is at work on, from its beginning; otherwise as applyRelease. */
export function followRelease(
  connection: HostConnection,
  { name, release, ...rest }: Pick<Application, "name" | "release" | "onLine" | "detach">,
): Promise<Ending> {
  const command = bash(`exec bash "$HOME/.coldtivate/${name}/releases/${release}/${scriptName}" -p ${name} -c follow ${release}`);
  return followJournal(connection, command, rest);
}

async function followJournal(
  connection: HostConnection,
  command: string,
  { stdin, onLine, detach }: Pick<Application, "onLine" | "detach"> & { stdin?: Readable },
): Promise<Ending> {
  const leaving = leaveOnceBegun(detach);
  const { code, stderr } = await connection.exec(command, {
    ...(stdin === undefined ? {} : { stdin }),
    onLine: (text) => {
      const line = parseJournalLine(text);
      if (line === undefined) return;
      if (line.state === "begin") leaving.begun();
      onLine(line);
    },
    signal: leaving.signal,
  });
  return { code, stderr };
}

/** Aborts with another signal, but not before somebody works on the release who does not need us. */
function leaveOnceBegun(detach: AbortSignal | undefined): { signal: AbortSignal; begun: () => void } {
  const left = new AbortController();
  const leave = () => left.abort(detach?.reason);
  const begun = () => {
    if (detach?.aborted) leave();
    else detach?.addEventListener("abort", leave, { once: true });
  };
  return { signal: left.signal, begun };
}

/** A journal line from its text; undefined for anything else. */
export function parseJournalLine(line: string): JournalLine | undefined {
  const [time, step, state, ...detail] = line.split("\t");
  if (time === undefined || step === undefined || state === undefined || !/^\d+$/.test(time) || !/^\d+$/.test(step)) return undefined;
  return { time: Number(time), step: Number(step), state, detail: detail.join("\t") };
}

/**
 * Finds the script of an environment, and leaves its path in `s`: the copy of the release that somebody deploys right now,
 * which knows best how to speak of it, or the one beside the state. Where there is none, `s` does not exist.
 */
export function findScript(name: string): string {
  const state = `$HOME/.coldtivate/${name}`;
  return `s="${state}/releases/$(cut -f3 "${state}/running" 2>/dev/null)/${scriptName}"; [ -e "$s" ] || s="${state}/${scriptName}"`;
}

export function lines(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== "");
}

export interface Serving {
  /** The release's manifest.json; empty when none serves. */
  manifest: string;
  /** When it took over. */
  since?: Date;
  /** Who deploys right now, or locked it; empty when nobody does. */
  busy: string;
}

/** Which release serves on a host, since when, and whether somebody is at it. */
export async function readServing(connection: HostConnection, name: string, signal: AbortSignal): Promise<Serving> {
  const command = bash(
    `cd "$HOME/.coldtivate/${name}" 2>/dev/null || exit 0; ` +
      `if [ -e current ]; then cat current/manifest.json; echo; grep -m1 "\tcommitted" current/journal; fi; echo "--"; ` +
      `cat locked 2>/dev/null; ${findScript(name)}; [ ! -e "$s" ] || bash "$s" -p ${name} -c at_work`,
  );
  const { stdout } = await connection.exec(command, { signal });
  const [release = "", ...busy] = stdout.toString().split("\n--\n");
  const [manifest = "", committed = ""] = lines(release);
  const microseconds = Number(committed.split("\t")[0]);
  return {
    manifest: manifest === "--" ? "" : manifest,
    ...(committed !== "" && Number.isFinite(microseconds) ? { since: new Date(microseconds / 1000) } : {}),
    busy: busy.join("\n").replaceAll("\t", "  ").trim(),
  };
}
