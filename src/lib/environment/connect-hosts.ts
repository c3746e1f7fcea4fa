import type { HostAccess } from "../adapters/ssh/route/ssh-access.ts";
import type { HostConnection } from "../adapters/ssh/ssh.ts";
import type { HostConfig } from "../config/schema/config.ts";
import { ColdtivateError } from "../errors.ts";

export interface Connections extends AsyncDisposable {
  /** In the order of the configuration. */
  connections: readonly HostConnection[];
}

/** Connections in the making. */
export interface PendingConnections extends AsyncDisposable {
  /** Rejects with what connectHosts throws. */
  made: Promise<readonly HostConnection[]>;
}

/**
 * Starts connecting to all hosts while the caller does something else. Disposing gives up on connections that are not made yet,
 * and closes the others.
 *
 * @param onMade gets each connection as soon as it is made
 */
export function startConnecting(
  hosts: readonly HostConfig[],
  access: HostAccess & { signal: AbortSignal },
  onMade: (connection: HostConnection) => void,
): PendingConnections {
  const dropped = new AbortController();
  const connecting = connectHosts(hosts, { ...access, signal: AbortSignal.any([access.signal, dropped.signal]) }, onMade);
  const made = connecting.then(({ connections }) => connections);
  made.catch(() => {
    // Marks the promise as handled. Perhaps nobody awaits it; anyone who does still gets the error.
  });
  return {
    made,
    async [Symbol.asyncDispose]() {
      dropped.abort();
      const connections = await connecting.catch(() => undefined);
      await connections?.[Symbol.asyncDispose]();
    },
  };
}

/**
 * Connects to all hosts at once, with one connection each. Disposing of the result closes them.
 * @throws the host's own error; with several failing hosts, HOSTS_UNREACHABLE that lists all of their errors
 */
export async function connectHosts(
  hosts: readonly HostConfig[],
  access: HostAccess,
  onMade: (connection: HostConnection) => void = () => {},
): Promise<Connections> {
  const { errors, ...made } = await connectReachable(hosts, access, onMade);
  if (errors.length === 0) return made;
  await made[Symbol.asyncDispose]();
  const known = errors.filter((error) => error instanceof ColdtivateError);
  if (errors.length === 1 || known.length < errors.length) throw errors.find((error) => !(error instanceof ColdtivateError)) ?? errors[0];
  throw new ColdtivateError(`${errors.length} of ${hosts.length} hosts cannot be reached`, {
    code: "HOSTS_UNREACHABLE",
    exit: "refused",
    details: known.flatMap((error) => [error.message, ...error.details.map((line) => `  ${line}`)]),
    hint: [...new Set(known.map(({ hint }) => hint).filter(Boolean))].join(" "),
  });
}

/** Connects to the hosts that can be reached. Each of the others has an error, in the same order. */
export async function connectReachable(
  hosts: readonly HostConfig[],
  access: HostAccess,
  onMade: (connection: HostConnection) => void = () => {},
): Promise<Connections & { errors: unknown[] }> {
  const { connect, shareAccess } = await import("../adapters/ssh/ssh.ts");
  const shared = shareAccess(access);
  const attempts = await Promise.allSettled(
    hosts.map(async (host) => {
      const connection = await connect(host, { ...access, shared });
      onMade(connection);
      return connection;
    }),
  );
  const connections = attempts.filter((attempt) => attempt.status === "fulfilled").map(({ value }) => value);
  return {
    connections,
    errors: attempts.filter((attempt) => attempt.status === "rejected").map(({ reason }): unknown => reason),
    async [Symbol.asyncDispose]() {
      await Promise.all(connections.map((connection) => connection[Symbol.asyncDispose]()));
    },
  };
}
