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
  const { newest, behind, disputed } = findBehind(hosts.filter(({ trouble }) => trouble.length === 0));
  if (disputed !== undefined) {
    const trouble = [`the hosts do not agree on which of these is the newest, so it was left as it is: ${disputed.join(", ")}`];
    return hosts.map((host) => (host.current === "" ? host : { ...host, trouble: [...host.trouble, ...trouble] }));
  }
  const caughtUp = await Promise.all(behind.map((host) => catchUp(host, newest, input)));
  return hosts.map((host) => caughtUp.find((other) => other.host === host.host) ?? host);
}

async function recoverHost(connection: HostConnection, { project, connections, signal, reporter }: RecoverInput): Promise<RecoveredHost> {
  reporter.emit({ type: "note", text: `${connection.host}: finishing or undoing what was interrupted, if anything was` });
  let result: VerbResult;
  try {
    result = await runVerb(connection, project, ["recover"], { signal, timeout: patience });
  } catch (error) {
    const isNew = error instanceof ColdtivateError && error.code === "NOTHING_DEPLOYED" && connections.length > 1;
    if (isNew) return { host: connection.host, current: "", settled: [], trouble: [] };
    return troubled(connection.host, error);
  }
  const { code, stdout, told } = result;
  let recovery: Recovery;
  try {
    recovery = parseRecovery(connection.host, stdout);
  } catch (error) {
    return troubled(connection.host, error);
  }
  if (code === 0) return { ...recovery, trouble: [] };
  return { ...recovery, trouble: told, ...(code === 2 || code === 3 ? { refused: code } : {}) };
}

/** The result of a host whose state is unknown. The others recover without it. */
function troubled(host: string, error: unknown): RecoveredHost {
  if (error instanceof ColdtivateError && error.code !== "NOTHING_DEPLOYED") {
    return { host, current: "", settled: [], trouble: [error.message, ...error.details], isUnknown: true };
  }
  throw error;
}

async function catchUp(
  host: RecoveredHost,
  release: string,
  { project, connections, signal, reporter }: RecoverInput,
): Promise<RecoveredHost> {
  const connection = connections.find((each) => each.host === host.host)!;
  reporter.emit({ type: "note", text: `${host.host}: applying ${release}, which other hosts serve` });
  try {
    const { code, told } = await runVerb(connection, project, ["catch_up", release], { signal, timeout: patience });
    return code === 0 ? { ...host, current: release } : { ...host, trouble: told };
  } catch (error) {
    return troubled(host.host, error);
  }
}
