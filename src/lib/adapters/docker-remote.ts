import { Agent } from "node:http";
import { PassThrough, type Duplex } from "node:stream";
import Docker, { type DockerOptions } from "dockerode";
import type { HostConnection } from "./ssh.ts";

/** Where an engine listens unless somebody says otherwise. */
export const defaultSocket = "/var/run/docker.sock";

/** The Docker daemon of a host, over the connection that is there already. Close it when done: it keeps streams open. */
export function openDocker(connection: HostConnection, socketPath = defaultSocket): Docker {
  const options: DockerOptions & { agent: Agent } = { protocol: "http", host: "docker", agent: new SocketAgent(connection, socketPath) };
  return new Docker(options);
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
      callback(null, asSocket(await this.#connection.openSocket(this.#path)));
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
