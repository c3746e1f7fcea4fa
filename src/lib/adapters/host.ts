import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Credentials } from "../config/config.ts";
import type { Control } from "../control.ts";
import { ColdtivateError } from "../errors.ts";
import type { HostState } from "../release/host-state.ts";
import { parseFields, parseState } from "../release/observation.ts";
import type { HostConnection } from "./ssh.ts";
import { packTar, type TarEntry } from "./tar.ts";

const scriptName = "environment-deployment-management.sh";

/** What the script's abort ends with; anything else is that there is no release yet. */
const asked = 0;
const tooLate = 3;

/** Milliseconds until a host is asked again to undo. */
const abortPause = 200;

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
 */
export function expectDeploy(connection: HostConnection, name: string): void {
  connection.startAhead(observeCommand(name));
  connection.startAhead(applyCommand(name));
}

/** Waits for a first line, and leaves the host as it is where none comes. */
function observeCommand(name: string): string {
  return bash(
    // What a power cut left behind holds a dotenv.
    `umask 077; read -r _ || exit 0; mkdir -p "$HOME/.coldtivate" && find "$HOME/.coldtivate" -maxdepth 1 -name "incoming.*" -mmin +60 -exec rm -rf {} + ; d=$(mktemp -d "$HOME/.coldtivate/incoming.XXXXXX") && trap "rm -rf \\"$d\\"" EXIT && ` +
      `tar -xf - -C "$d" && bash "$d/${scriptName}" -p ${name} observe "$d"`,
  );
}

/** Reads the release's name and how long its tar is from a first line; no line: there is nothing to do. */
function applyCommand(name: string): string {
  return bash(
    `umask 077; read -r release length || exit 0; d="$HOME/.coldtivate/${name}/releases/$release"; mkdir -p "\${d%/*}" && ` +
      `{ mkdir "$d" 2>/dev/null || { echo "Another deploy of this commit began in the same second." >&2; exit 3; }; } && ` +
      `head -c "$length" | tar -xpf - -C "$d" && ` +
      `exec bash "$d/${scriptName}" -p ${name} -c deploy "$release"`,
  );
}

/**
 * Asks a host what it has and runs, and what the release's Compose files come to there. Changes nothing on it.
 *
 * @param name of the Compose project, which is the state directory's, too
 * @param entries script, Compose files, dotenv, variables, arguments; see docs/architecture.md
 */
export async function observeHost(
  connection: HostConnection,
  name: string,
  entries: readonly TarEntry[],
  signal?: AbortSignal,
): Promise<HostState> {
  const stdin = Buffer.concat([Buffer.from("\n"), await packTar(entries)]);
  const { code, stdout, stderr } = await connection.exec(observeCommand(name), { stdin, ...(signal === undefined ? {} : { signal }) });
  if (code !== 0) {
    throw new ColdtivateError(`${connection.host}: the host cannot be deployed to`, {
      code: "HOST_NOT_READY",
      exit: "refused",
      details: lines(stderr),
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
  /** Abort: the script is asked to undo, and followed until it has. Detach: it is left alone once it has begun. */
  control?: Control;
}

/**
 * Sends a release to a host, has the script carry out its plan, and follows the journal to its end.
 *
 * @returns the script's exit code and what it said on standard error
 * @throws the reason of `detach` when it is left alone
 */
export async function applyRelease(connection: HostConnection, application: Application): Promise<{ code: number; stderr: string }> {
  const { name, release, entries, control: { abort: signal, detach } = {} } = application;
  const archive = await packTar(entries);
  const credentials = application.credentials.map(
    ({ registry, credentials: { username, password } }) => `${registry}\t${username}\t${password.reveal()}\n`,
  );
  const ended = new AbortController();
  const leaving = leaveOnceBegun(detach);
  const abort = async () => {
    const ask = bash(`exec bash "$HOME/.coldtivate/${name}/releases/${release}/${scriptName}" -p ${name} abort ${release}`);
    // Until the release's folder is unpacked there is nothing to ask.
    while (!ended.signal.aborted) {
      const { code } = await connection.exec(ask);
      if (code === asked || code === tooLate) return;
      await wait(abortPause);
    }
  };
  const onAbort = () => {
    abort().catch(() => {
      // The connection is gone: then the host goes on, and following it has failed with the reason.
    });
  };
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const result = await connection.exec(applyCommand(name), {
      stdin: Buffer.concat([Buffer.from(`${release} ${archive.length}\n`), archive, Buffer.from(credentials.join(""))]),
      onLine: (line) => {
        const entry = parseJournalLine(line);
        if (entry === undefined) return;
        if (entry.state === "begin") leaving.begun();
        application.onLine(entry);
      },
      signal: leaving.signal,
    });
    return { code: result.code, stderr: result.stderr };
  } finally {
    ended.abort();
    signal?.removeEventListener("abort", onAbort);
  }
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

/** A command for bash whatever the user's login shell is. The script must not contain a single quote. */
export function bash(script: string): string {
  return `bash -c '${script}'`;
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
