import { runVerb } from "../adapters/host-verbs.ts";
import type { HostConnection } from "../adapters/ssh.ts";
import { ColdtivateError } from "../errors.ts";

export interface LockReason {
  /** Who locks, and from where. */
  who: string;
  why: string;
}

/**
 * Locks an environment on all of its hosts; on one that refuses, it is unlocked again where this has locked it.
 *
 * @returns what the hosts said
 * @throws ColdtivateError LOCK_REFUSED with who has locked it before, and why
 */
export async function lockHosts(
  connections: readonly HostConnection[],
  name: string,
  { who, why }: LockReason,
  signal: AbortSignal,
): Promise<string[]> {
  const input = `${oneLine(who)}\t${oneLine(why)}\n`;
  const told: string[] = [];
  for (const [index, connection] of connections.entries()) {
    const result = await runVerb(connection, name, ["lock"], { input, signal });
    if (result.code === 0) {
      told.push(...result.told.map((line) => `${connection.host}: ${line}`));
      continue;
    }
    for (const locked of connections.slice(0, index)) await runVerb(locked, name, ["unlock"]);
    throw new ColdtivateError(`${connection.host} was not locked`, {
      code: "LOCK_REFUSED",
      exit: result.code === 2 ? "usage" : "refused",
      details: result.told,
    });
  }
  return told;
}

/** Unlocks an environment on all of its hosts, and gives what the hosts said. */
export async function unlockHosts(connections: readonly HostConnection[], name: string, signal: AbortSignal): Promise<string[]> {
  const results = await Promise.all(connections.map((connection) => runVerb(connection, name, ["unlock"], { signal })));
  return results.flatMap(({ told }, index) => told.map((line) => `${connections[index]!.host}: ${line}`));
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
