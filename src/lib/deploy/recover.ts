import { runVerb, type VerbResult } from "../adapters/host-verbs.ts";
import type { HostConnection } from "../adapters/ssh.ts";
import { ColdtivateError } from "../errors.ts";
import { findBehind, parseRecovery, type Recovery } from "../release/recovery.ts";
import type { Reporter } from "../report/progress.ts";

export interface RecoverInput {
  /** Name of the Compose project. */
  project: string;
  connections: readonly HostConnection[];
  reporter: Reporter;
  signal: AbortSignal;
}

export interface RecoveredHost extends Recovery {
  /** What the host said, where something is wrong there still. */
  trouble: string[];
  /** The script's exit code, where it refused. */
  refused?: number;
}

/**
 * Has hosts finish or undo what was interrupted; then brings those that serve another release than the newest to that one.
 *
 * @throws ColdtivateError NOTHING_DEPLOYED where no host has such an environment
 */
export async function recoverHosts(input: RecoverInput): Promise<RecoveredHost[]> {
  const hosts = await Promise.all(input.connections.map((connection) => recoverHost(connection, input)));
  const { newest, behind } = findBehind(hosts.filter(({ trouble }) => trouble.length === 0));
  const caughtUp = await Promise.all(behind.map((host) => catchUp(host, newest, input)));
  return hosts.map((host) => caughtUp.find((other) => other.host === host.host) ?? host);
}

async function recoverHost(connection: HostConnection, { project, connections, signal, reporter }: RecoverInput): Promise<RecoveredHost> {
  reporter.emit({ type: "note", text: `${connection.host}: finishing or undoing what was interrupted, if anything was` });
  let result: VerbResult;
  try {
    result = await runVerb(connection, project, ["recover"], { signal });
  } catch (error) {
    const isNew = error instanceof ColdtivateError && error.code === "NOTHING_DEPLOYED" && connections.length > 1;
    if (!isNew) throw error;
    return { host: connection.host, current: "", settled: [], trouble: [] };
  }
  const { code, stdout, told } = result;
  const recovery = parseRecovery(connection.host, stdout);
  if (code === 0) return { ...recovery, trouble: [] };
  return { ...recovery, trouble: told, ...(code === 2 || code === 3 ? { refused: code } : {}) };
}

async function catchUp(
  host: RecoveredHost,
  release: string,
  { project, connections, signal, reporter }: RecoverInput,
): Promise<RecoveredHost> {
  const connection = connections.find((each) => each.host === host.host)!;
  reporter.emit({ type: "note", text: `${host.host}: applying ${release}, which other hosts serve` });
  const { code, told } = await runVerb(connection, project, ["catch_up", release], { signal });
  return code === 0 ? { ...host, current: release } : { ...host, trouble: told };
}
