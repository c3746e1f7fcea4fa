import { runVerb, type VerbResult } from "../adapters/host/host-verbs.ts";
import type { HostConnection } from "../adapters/ssh/ssh.ts";
import { ColdtivateError } from "../errors.ts";
import { findBehind, parseRecovery, type Recovery } from "../host/recovery.ts";
import type { Reporter } from "../report/progress.ts";

/** How long a host may take to finish or undo a release, with its tasks, in milliseconds. It goes on even if nobody waits. */
const patience = 3_600_000;

export interface RecoverInput {
  /** Name of the Compose project. */
  project: string;
  connections: readonly HostConnection[];
  reporter: Reporter;
  signal: AbortSignal;
}

export interface RecoveredHost extends Recovery {
  /** What the host said, if something is still wrong there. */
  trouble: string[];
  /** Whether it is unknown what the host serves. */
  isUnknown?: true;
  /** The script's exit code, if it refused. */
  refused?: number;
  /** The error of a host that nothing was ever deployed to. */
  absent?: ColdtivateError;
}

/**
 * Tells hosts to finish or undo what was interrupted. Then applies the newest release on the hosts that serve another one.
 *
 * The hosts decide together which release is the newest. If they disagree, nothing is applied.
 *
 * @throws ColdtivateError NOTHING_DEPLOYED if no host has such an environment; HOST_ANSWER
 */
export async function recoverHosts(input: RecoverInput): Promise<RecoveredHost[]> {
  const hosts = await Promise.all(input.connections.map((connection) => recoverHost(connection, input)));
  const [first] = hosts;
  if (first?.absent !== undefined && hosts.every(({ absent }) => absent !== undefined)) throw first.absent;
  const { newest, behind, disputed } = findBehind(hosts.filter(({ trouble }) => trouble.length === 0));
  if (disputed !== undefined) {
    const trouble = [`the hosts do not agree on which of these is the newest, so it was left as it is: ${disputed.join(", ")}`];
    return hosts.map((host) => (host.current === "" ? host : { ...host, trouble: [...host.trouble, ...trouble] }));
  }
  const caughtUp = await Promise.all(behind.map((host) => catchUp(host, newest, input)));
  return hosts.map((host) => caughtUp.find((other) => other.host === host.host) ?? host);
}

async function recoverHost(connection: HostConnection, { project, signal, reporter }: RecoverInput): Promise<RecoveredHost> {
  reporter.emit({ type: "note", text: `${connection.host}: finishing or undoing what was interrupted, if anything was` });
  let result: VerbResult;
  try {
    result = await runVerb(connection, project, ["recover"], { signal, timeout: patience });
  } catch (error) {
    if (error instanceof ColdtivateError && error.code === "NOTHING_DEPLOYED")
      return { host: connection.host, current: "", settled: [], trouble: [], absent: error };
    return troubled(connection.host, error);
  }
  const { code, stdout } = result;
  let recovery: Recovery;
  try {
    recovery = parseRecovery(connection.host, stdout);
  } catch (error) {
    return troubled(connection.host, error);
  }
  if (code === 0) return { ...recovery, trouble: [] };
  return {
    ...recovery,
    trouble: troubleOf(result),
    // It ended before it came to what serves.
    ...(stdout.trim() === "" ? { isUnknown: true as const } : {}),
    ...(code === 2 || code === 3 ? { refused: code } : {}),
  };
}

/** Why a host failed. One that says nothing has failed all the same. */
function troubleOf({ code, told }: VerbResult): string[] {
  return told.length > 0 ? told : [`its script ended with ${code}, without a word`];
}

/** The result of a host whose state is unknown. The others recover without it. */
function troubled(host: string, error: unknown): RecoveredHost {
  if (error instanceof ColdtivateError) {
    return { host, current: "", settled: [], trouble: [error.message, ...error.details], isUnknown: true };
  }
  throw error;
}

async function catchUp(
  host: RecoveredHost,
  release: string,
  { project, connections, signal, reporter }: RecoverInput,
): Promise<RecoveredHost> {
  // It keeps no release that it could apply.
  if (host.absent !== undefined) return { ...host, trouble: [host.absent.message] };
  const connection = connections.find((each) => each.host === host.host)!;
  reporter.emit({ type: "note", text: `${host.host}: applying ${release}, which other hosts serve` });
  try {
    const result = await runVerb(connection, project, ["catch_up", release], { signal, timeout: patience });
    return result.code === 0 ? { ...host, current: release } : { ...host, trouble: troubleOf(result) };
  } catch (error) {
    return troubled(host.host, error);
  }
}
