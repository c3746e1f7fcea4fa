import { PassThrough } from "node:stream";
import type { Credentials } from "../../config/schema/config.ts";
import { ColdtivateError } from "../../errors.ts";
import type { HostState } from "../../host/host-state.ts";
import { hostFault } from "../ssh/host-fault.ts";
import { plainLines, printable } from "../../common/host-answer.ts";
import { parseFields, parseState } from "../../host/observation.ts";
import { applyCommand, observeCommand } from "./host-bootstrap.ts";
import { runVerb } from "./host-verbs.ts";
import type { AheadCommand, HostConnection } from "../ssh/ssh.ts";
import type { ExecOptions } from "../ssh/ssh-channel.ts";
import { lostError } from "../ssh/ssh-error.ts";
import { packTar, type TarEntry } from "../tar.ts";

/** Limits for a release in progress: the script sends a sign of life every ten seconds, and no journal is longer than that. */
export const whileAtWork = { timeout: 120_000, limit: 1024 * 1024 * 1024 };

/** One line of a release's journal. Step 0 is the release itself. */
export interface JournalLine {
  /** Microseconds since the epoch. */
  time: number;
  step: number;
  state: string;
  detail: string;
}

/** The commands of a deploy that wait on a connection for their input. */
const expected = new WeakMap<HostConnection, { observe: AheadCommand; apply: AheadCommand }>();

/**
 * Starts the two commands of a deploy before there is anything to send them. They wait for their input on the host.
 *
 * @param name of the Compose project
 * @param script the result of readHostScript
 */
export function expectDeploy(connection: HostConnection, name: string, script: readonly TarEntry[]): void {
  expected.set(connection, {
    observe: connection.startAhead(observeCommand(name, script)),
    apply: connection.startAhead(applyCommand(name, script)),
  });
}

/** The question that hosts are asked. */
export interface Question {
  /** The script, and everything that belongs to it. */
  entries: readonly TarEntry[];
  input: Buffer;
}

/**
 * Packs the question for the hosts: the same for all of them.
 *
 * @param entries script, Compose files, dotenv, variables, arguments; see docs/protocol.md
 */
export async function packQuestion(entries: readonly TarEntry[]): Promise<Question> {
  return { entries, input: Buffer.concat([Buffer.from("\n"), await packTar(entries)]) };
}

/**
 * Asks a host what it has and runs, and how it renders the release's Compose files. Changes nothing on it.
 *
 * @param name of the Compose project, and of the state directory
 * @param question the result of packQuestion
 */
export async function observeHost(connection: HostConnection, name: string, question: Question, signal?: AbortSignal): Promise<HostState> {
  const options = { stdin: question.input, ...(signal === undefined ? {} : { signal }) };
  const { code, stdout, stderr } = await (expected.get(connection)?.observe.exec(options) ??
    connection.exec(observeCommand(name, question.entries), options));
  if (code !== 0) {
    const why = hostFault(connection.host, { code, stdout: stdout.toString(), stderr });
    if (why !== undefined) throw why;
    throw new ColdtivateError(`${connection.host}: the host cannot be deployed to`, {
      code: "HOST_NOT_READY",
      exit: "refused",
      details: stderr.trim() === "" ? [`its script ended with ${code}, without a word`] : plainLines(stderr),
      hint: "Correct what the host says, then run the same command again.",
    });
  }
  return parseState(connection.host, parseFields(connection.host, stdout));
}

export interface Application {
  /** Name of the Compose project. */
  name: string;
  release: string;
  /** compose.json, manifest.json, plan, who, the script, files/… */
  entries: readonly TarEntry[];
  /** Credentials for the registries that the host pulls from. */
  credentials: readonly { registry: string; credentials: Credentials }[];
  onLine(line: JournalLine): void;
  /**
   * Receives a function that sends messages to the script while it is at work: `go BARRIER`, `abort`, `here`; see
   * docs/protocol.md.
   */
  onStart?: (say: (message: string) => void) => void;
  /** Once aborted, the host is left alone as soon as it has begun. */
  detach?: AbortSignal;
}

/** How a release ended on a host. */
export interface ReleaseEnd {
  /** The script's exit code. */
  code: number;
  /** Its messages to people. */
  stderr: string;
}

/**
 * Sends a release to a host, lets the script carry out its plan, and follows the journal to its end.
 *
 * @throws the reason of `detach` if the host is left alone; ColdtivateError CONNECTION_LOST
 */
export async function applyRelease(connection: HostConnection, application: Application): Promise<ReleaseEnd> {
  const { name, release, entries, onStart } = application;
  const archive = await packTar(entries);
  const credentials = application.credentials.map(
    ({ registry, credentials: { username, password } }) => `${registry}\t${username}\t${password.reveal()}\n`,
  );
  const stdin = new PassThrough();
  stdin.write(Buffer.concat([Buffer.from(`${release} ${archive.length}\n`), archive, Buffer.from(`${credentials.join("")}\n`)]));
  onStart?.((message) => stdin.writable && stdin.write(`${message}\n`));
  try {
    return await follow(connection.host, application, (following) => {
      const options = { stdin, sends: archive.length, ...following };
      return expected.get(connection)?.apply.exec(options) ?? connection.exec(applyCommand(name, entries), options);
    });
  } finally {
    stdin.end();
  }
}

/** Follows a release in progress on a host, from its beginning; otherwise like applyRelease. */
export function followRelease(
  connection: HostConnection,
  { name, release, ...rest }: Pick<Application, "name" | "release" | "onLine" | "detach">,
): Promise<ReleaseEnd> {
  return follow(connection.host, rest, async (options) => {
    const { code, told } = await runVerb(connection, name, ["follow", release], options);
    return { code, stderr: told.join("\n") };
  });
}

/** @param run prints the lines of the journal */
async function follow(
  host: string,
  { onLine, detach }: Pick<Application, "onLine" | "detach">,
  run: (options: Pick<ExecOptions, "onLine" | "signal" | "timeout" | "limit">) => Promise<ReleaseEnd>,
): Promise<ReleaseEnd> {
  const leaving = leaveOnceBegun(detach);
  const running = run({
    onLine: (text) => {
      const line = parseJournalLine(text);
      // A sign of life is not part of the journal.
      if (line === undefined || line.state === "alive") return;
      if (line.state === "begin") leaving.begun();
      onLine(line);
    },
    signal: leaving.signal,
    ...whileAtWork,
  });
  const { code, stderr } = await running.catch((error: unknown): never => {
    // Although it fell silent or said too much, it may be at work on the release.
    throw isUnheard(error) ? lostError(host, error) : error;
  });
  return { code, stderr };
}

function isUnheard(error: unknown): error is ColdtivateError {
  return error instanceof ColdtivateError && (error.code === "HOST_ANSWER" || error.code === "HOST_SILENT");
}

/** Aborts with another signal, but not before a process that does not need us works on the release. */
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
  const [time = "", step = "", state = "", ...detail] = line.split("\t");
  if (!/^\d{1,16}$/.test(time) || !/^\d{1,6}$/.test(step) || !/^[a-z]+$/.test(state)) return undefined;
  return { time: Number(time), step: Number(step), state, detail: printable(detail.join("\t")) };
}

export interface Serving {
  /** The release's manifest.json; empty if none serves. */
  manifest: string;
  /** When it took over. */
  since?: Date;
  /** Who deploys right now, or who locked it; empty if nobody does. */
  busy: string;
}

/**
 * Which release serves on a host, since when, and whether somebody deploys or has locked it.
 *
 * @param name of the Compose project
 * @throws ColdtivateError HOST_NOT_READY, HOST_ANSWER
 */
export async function readServing(connection: HostConnection, name: string, signal: AbortSignal): Promise<Serving> {
  const { code, bytes, told } = await runVerb(connection, name, ["serving"], { signal, needsState: false });
  if (code !== 0) {
    throw new ColdtivateError(`${connection.host}: which release serves there cannot be told`, {
      code: "HOST_NOT_READY",
      exit: "refused",
      details: told,
      hint: "Correct what the host says, then run the same command again.",
    });
  }
  const fields = parseFields(connection.host, bytes);
  const committed = /^\d{16}$/.exec(fields.get("committed_at")?.trim() ?? "")?.[0];
  return {
    manifest: fields.get("manifest") ?? "",
    ...(committed !== undefined && { since: new Date(Number(committed) / 1000) }),
    busy: plainLines(`${fields.get("locked") ?? ""}\n${fields.get("running") ?? ""}`).join("\n"),
  };
}
