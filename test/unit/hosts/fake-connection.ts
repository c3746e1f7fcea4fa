import type { HostConnection } from "../../../src/lib/adapters/ssh/ssh.ts";

/** A connection to a host that can only run commands. */
export function fakeConnection(host: string, exec: HostConnection["exec"]): HostConnection {
  return {
    host,
    exec,
    reconnect: () => Promise.reject(new Error("unused")),
    startAhead: () => ({ exec: () => Promise.reject(new Error("unused")) }),
    openSocket: () => Promise.reject(new Error("unused")),
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
