import type { HostConnection } from "../adapters/ssh.ts";
import type { HostConfig } from "../config/config.ts";
import { ColdtivateError } from "../errors.ts";

export interface Connections extends AsyncDisposable {
  /** In the order of the configuration. */
  connections: readonly HostConnection[];
}

/**
 * Connects to all hosts at once, one connection each; they close with the result.
 * @throws the host's own error, or with several hosts HOSTS_UNREACHABLE that lists all of theirs
 */
export async function connectHosts(hosts: readonly HostConfig[], signal: AbortSignal): Promise<Connections> {
  const { connect } = await import("../adapters/ssh.ts");
  const attempts = await Promise.allSettled(hosts.map((host) => connect(host, { signal })));
  const connections = attempts.filter((attempt) => attempt.status === "fulfilled").map(({ value }) => value);
  const errors = attempts.filter((attempt) => attempt.status === "rejected").map(({ reason }): unknown => reason);
  const close = async () => {
    await Promise.all(connections.map((connection) => connection[Symbol.asyncDispose]()));
  };
  if (errors.length === 0) return { connections, [Symbol.asyncDispose]: close };
  await close();
  const known = errors.filter((error) => error instanceof ColdtivateError);
  if (errors.length === 1 || known.length < errors.length) throw errors.find((error) => !(error instanceof ColdtivateError)) ?? errors[0];
  throw new ColdtivateError(`${errors.length} of ${hosts.length} hosts cannot be reached`, {
    code: "HOSTS_UNREACHABLE",
    exit: "refused",
    details: known.flatMap((error) => [error.message, ...error.details.map((line) => `  ${line}`)]),
    hint: [...new Set(known.map(({ hint }) => hint).filter(Boolean))].join(" "),
  });
}
