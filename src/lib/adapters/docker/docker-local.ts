import { Agent } from "node:http";
import { Duplex } from "node:stream";
import Docker, { type DockerOptions } from "dockerode";
import { execa } from "execa";
import { childEnvironment } from "../../secrets/child-environment.ts";

/**
 * The Docker engine that the user's client talks to. The client itself provides the connection, so that its context, DOCKER_HOST,
 * certificates and ssh apply here as in a build.
 */
export function openLocalDocker(): Docker {
  const options: DockerOptions & { agent: Agent } = { protocol: "http", host: "docker", agent: new ClientAgent({ maxSockets: 4 }) };
  return new Docker(options);
}

/** Gives HTTP the standard streams of a `docker system dial-stdio` instead of a socket. */
class ClientAgent extends Agent {
  override createConnection(): Duplex {
    return new ClientStream();
  }
}

class ClientStream extends Duplex {
  readonly #child = execa("docker", ["system", "dial-stdio"], {
    env: childEnvironment("docker"),
    extendEnv: false,
    buffer: { stdout: false },
    reject: false,
    encoding: "buffer",
  });

  constructor() {
    super();
    const { stdout, stdin } = this.#child;
    stdout.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) stdout.pause();
    });
    // The client's own message says more than a broken pipe. It arrives when the client ends.
    stdin.on("error", () => {});
    void this.#watch();
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: () => void): void {
    this.#child.stdin.write(chunk, (error) => {
      if (!error) written();
    });
  }

  override _final(ended: () => void): void {
    this.#child.stdin.end(ended);
  }

  override _destroy(error: Error | null, destroyed: (error: Error | null) => void): void {
    this.#child.kill();
    destroyed(error);
  }

  /** An HTTP client calls methods of a socket that a stream does not have. */
  setKeepAlive = () => this;
  setTimeout = () => this;
  setNoDelay = () => this;
  ref = () => this;
  unref = () => this;

  async #watch(): Promise<void> {
    const { exitCode, stderr, code } = await this.#child;
    if (this.destroyed) return;
    if (exitCode === 0) {
      this.push(null);
      return;
    }
    const said = code === "ENOENT" ? "docker cannot be run" : Buffer.from(stderr).toString().trim();
    this.destroy(new Error(said || "the Docker client ended"));
  }
}
