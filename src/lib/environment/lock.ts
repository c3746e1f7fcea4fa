import { runVerb, type VerbResult } from "../adapters/host/host-verbs.ts";
import type { HostConnection } from "../adapters/ssh/ssh.ts";
import { ColdtivateError } from "../errors.ts";

export interface LockReason {
  /** Who locks, and from where. */
  who: string;
  why: string;
}

/**
 * Locks an environment on all of its hosts. If one refuses or does not answer, unlocks the hosts that it has locked so far.
 *
 * @returns the hosts' messages
 * @throws ColdtivateError LOCK_REFUSED with who locked it before, and why; LOCK_INCOMPLETE if some stay locked
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
    const result = await attempt(runVerb(connection, name, ["lock"], { input, signal }));
    if (!(result instanceof Error) && result.code === 0) {
      told.push(...result.told.map((line) => `${connection.host}: ${line}`));
      continue;
    }
    // A host that does not answer may be locked all the same.
    const locked = connections.slice(0, result instanceof Error ? index + 1 : index);
    const left = await takeBack(locked, name);
    if (left.length > 0) throw incomplete(connection, result, left);
    if (result instanceof Error) throw result;
    throw new ColdtivateError(`${connection.host} was not locked`, {
      code: "LOCK_REFUSED",
      exit: result.code === 2 ? "usage" : "refused",
      details: result.told,
    });
  }
  return told;
}

/** Unlocks hosts, even if the command's own signal has aborted. Returns the hosts that may still be locked, and why. */
async function takeBack(connections: readonly HostConnection[], name: string): Promise<string[]> {
  const results = await Promise.all(connections.map((connection) => attempt(runVerb(connection, name, ["unlock"], { timeout: 20_000 }))));
  return results.flatMap((result, index) => {
    const { host } = connections[index]!;
    if (result instanceof Error) return isWithoutState(result) ? [] : [`${host}: ${result.message}`];
    return result.code === 0 ? [] : [`${host}: ${result.told.join(" ")}`];
  });
}

/**
 * Unlocks an environment on all of its hosts.
 *
 * @returns the hosts' messages
 * @throws ColdtivateError UNLOCK_FAILED with the hosts that may still be locked
 */
export async function unlockHosts(connections: readonly HostConnection[], name: string, signal: AbortSignal): Promise<string[]> {
  const results = await Promise.all(connections.map((connection) => attempt(runVerb(connection, name, ["unlock"], { signal }))));
  const told: string[] = [];
  const failed: string[] = [];
  const errors: Error[] = [];
  for (const [index, result] of results.entries()) {
    const { host } = connections[index]!;
    if (result instanceof Error) {
      errors.push(result);
      failed.push(`${host}: ${result.message}`);
    } else
      (result.code === 0 ? told : failed).push(
        ...(result.told.length > 0 ? result.told : ["it said nothing"]).map((line) => `${host}: ${line}`),
      );
  }
  if (failed.length === 0) return told;
  signal.throwIfAborted();
  // If every host has the same error, that error says it best.
  const [first] = errors;
  if (first !== undefined && errors.length === connections.length && errors.every((error) => isWithoutState(error))) throw first;
  const [only] = connections.length === 1 ? connections : [];
  throw new ColdtivateError(only === undefined ? "not every host was unlocked" : `${only.host} was not unlocked`, {
    code: "UNLOCK_FAILED",
    exit: told.length === 0 ? "refused" : "mixed",
    details: [...failed, ...told],
    hint: "Those that are named first may be locked still: nobody can deploy until all are unlocked. Correct what they say, then run the same command again.",
  });
}

type Result = VerbResult | Error;

/** Turns an error into a result, so that none of several is lost. */
async function attempt(running: Promise<VerbResult>): Promise<Result> {
  return running.catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
}

function isWithoutState(error: Error): boolean {
  return error instanceof ColdtivateError && error.code === "NOTHING_DEPLOYED";
}

function incomplete({ host }: HostConnection, result: Result, left: readonly string[]): ColdtivateError {
  const why = result instanceof Error ? [result.message] : result.told.map((line) => `${host}: ${line}`);
  return new ColdtivateError(`${host} was not locked, and not every other host could be unlocked again`, {
    code: "LOCK_INCOMPLETE",
    exit: "mixed",
    details: [...why, ...left],
    hint: "Some hosts may be locked: nobody can deploy until they are unlocked. Once they can be reached again: coldtivate unlock ENVIRONMENT",
  });
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
