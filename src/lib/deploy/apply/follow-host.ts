import { setTimeout as wait } from "node:timers/promises";
import { followRelease, type Application, type ReleaseEnd } from "../../adapters/host/host.ts";
import type { HostConnection } from "../../adapters/ssh/ssh.ts";
import { ColdtivateError } from "../../errors.ts";

/** Milliseconds between attempts. */
const pause = 500;

/**
 * Reconnects to a host whose connection was lost, and follows the release there to its end.
 *
 * @param told how many lines of the journal were already reported
 * @param patience how long to try to reconnect, in milliseconds
 * @returns undefined if the host could not be reached, or was lost again
 * @throws the reason of `detach`
 */
export async function followAgain(
  lost: HostConnection,
  { told, patience, ...application }: Pick<Application, "name" | "release" | "onLine" | "detach"> & { told: number; patience: number },
): Promise<ReleaseEnd | undefined> {
  await using connection = await reachAgain(lost, patience, application.detach);
  if (connection === undefined) return undefined;
  let skipped = 0;
  const onLine: Application["onLine"] = (line) => {
    if (skipped++ >= told) application.onLine(line);
  };
  // Awaited here because the connection closes when the function returns.
  return await followRelease(connection, { ...application, onLine }).catch((error: unknown) => {
    if (isLost(error)) return undefined;
    throw error;
  });
}

export function isLost(error: unknown): error is ColdtivateError {
  return error instanceof ColdtivateError && error.code === "CONNECTION_LOST";
}

async function reachAgain(lost: HostConnection, patience: number, signal: AbortSignal | undefined): Promise<HostConnection | undefined> {
  const until = performance.now() + patience;
  for (let left = patience; left > 0; left = until - performance.now()) {
    signal?.throwIfAborted();
    const connection = await lost.reconnect({ timeout: left, ...(signal === undefined ? {} : { signal }) }).catch(() => undefined);
    if (connection !== undefined) return connection;
    await wait(Math.max(0, Math.min(pause, until - performance.now())));
  }
  return undefined;
}
