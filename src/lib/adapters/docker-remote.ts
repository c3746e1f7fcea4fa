import { Agent } from "node:http";
import { PassThrough, type Duplex } from "node:stream";
import Docker, { type DockerOptions } from "dockerode";
import { ColdtivateError } from "../errors.ts";
import { plainWords, unreadable } from "../release/host-answer.ts";
import type { HostConnection } from "./ssh.ts";
import { excessError, silenceError } from "./ssh-error.ts";
import { TooMuch } from "./ssh-output.ts";

/** Where an engine listens unless somebody says otherwise. */
export const defaultSocket = "/var/run/docker.sock";

/** The Docker daemon of a host, over the connection that is there already. Close it when done: it keeps streams open. */
export function openDocker(connection: HostConnection, socketPath = defaultSocket): Docker {
  const options: DockerOptions & { agent: Agent } = { protocol: "http", host: "docker", agent: new SocketAgent(connection, socketPath) };
  return new Docker(options);
}

export interface ListOptions {
  signal: AbortSignal;
  /** Where the engine listens. */
  socket?: string;
  /** Milliseconds until it has to have answered. */
  timeout?: number;
}

/**
 * All containers of a Compose project, as the engine of a host lists them: nobody has looked at what it says.
 * @throws ColdtivateError HOST_SILENT, HOST_ANSWER, SOCKET_UNREACHABLE
 */
export async function listProject(connection: HostConnection, project: string, options: ListOptions): Promise<unknown> {
  const { signal, socket, timeout = 60_000 } = options;
  const deadline = AbortSignal.timeout(timeout);
  const filters = { label: [`com.docker.compose.project=${project}`] };
  try {
    return await openDocker(connection, socket).listContainers({ all: true, filters, abortSignal: AbortSignal.any([signal, deadline]) });
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.aborted) throw silenceError(connection.host, timeout);
    if (error instanceof ColdtivateError) throw error;
    throw unreadable(connection.host, `its Docker daemon says ${plainWords(error instanceof Error ? error.message : String(error))}`);
  }
}

/** Bytes that an engine may say in all. */
const mostSaid = 32 * 1024 * 1024;

/** Ends a stream that says more than anybody asked for. */
function bounded(stream: Duplex, host: string): Duplex {
  const push = stream.push.bind(stream);
  let said = 0;
  stream.push = (chunk: Buffer | null, ...rest) => {
    said += chunk?.length ?? 0;
    if (said <= mostSaid) return push(chunk, ...rest);
    stream.destroy(excessError(host, new TooMuch(mostSaid)));
    return false;
  };
  return stream;
}

/** Gives HTTP a stream to the Unix socket on the host instead of a connection of its own. */
class SocketAgent extends Agent {
  readonly #connection: HostConnection;
  readonly #path: string;

  constructor(connection: HostConnection, path: string) {
    super({ keepAlive: true });
    this.#connection = connection;
    this.#path = path;
  }

  override createConnection(_options: object, callback?: (error: Error | null, stream: Duplex) => void): undefined {
    void this.#open(callback ?? (() => {}));
  }

  async #open(callback: (error: Error | null, stream: Duplex) => void): Promise<void> {
    try {
      callback(null, asSocket(bounded(await this.#connection.openSocket(this.#path), this.#connection.host)));
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)), new PassThrough());
    }
  }
}

/** A channel has none of a socket's own methods, which an agent calls to keep it alive. */
function asSocket(stream: Duplex): Duplex {
  const nothing = () => stream;
  return Object.assign(stream, { setKeepAlive: nothing, setTimeout: nothing, setNoDelay: nothing, ref: nothing, unref: nothing });
}
