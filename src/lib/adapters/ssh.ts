import type { Duplex } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { NodeSSH } from "node-ssh";
import type { Client } from "ssh2";
import type { HostConfig } from "../config/config.ts";
import { shellFault } from "./host-fault.ts";
import { accepts, algorithmsFor, loadTrust, type Trust } from "./host-key.ts";
import { hostKeyError } from "./host-key-error.ts";
import { startCommand, type ExecOptions, type ExecResult, type StartedCommand } from "./ssh-channel.ts";
import { connectError, isTurnedAway, lostError, sessionError, silenceError, socketError } from "./ssh-error.ts";
import { loadIdentities, type Identities } from "./ssh-identity.ts";

/** One SSH connection to a host, on which everything runs as channels. */
export interface HostConnection extends AsyncDisposable {
  /** What the user calls the host. */
  readonly host: string;
  /**
   * Runs a command for the user's login shell, and resolves when it has really ended, whatever its exit code.
   * @throws ColdtivateError CONNECTION_LOST when the connection ends before the command does, which may go on;
   * LOGIN_SHELL_REFUSES or HOST_TOOLS_MISSING when it did not run at all
   */
  exec(command: string, options?: ExecOptions): Promise<ExecResult>;
  /**
   * Starts a command before there is anything for it to read: the next `exec` of the same command gives this one its
   * input, and two round trips have been made meanwhile. One that nobody comes back to reads an end.
   */
  startAhead(command: string): void;
  /**
   * Connects anew, for when this connection is lost.
   * @throws what connect throws
   */
  reconnect(options: { signal?: AbortSignal; timeout?: number }): Promise<HostConnection>;
  /** A stream to a Unix socket on the host. */
  openSocket(path: string): Promise<Duplex>;
  close(): Promise<void>;
}

export interface ConnectOptions {
  signal?: AbortSignal;
  /** Instead of the user's and the system's. */
  knownHostsFiles?: readonly string[];
  /** Until the host has let us in, in milliseconds. */
  timeout?: number;
  /** Until a host that no longer answers counts as lost, in milliseconds. */
  patience?: number;
  /** Until a host that answers has to open what it is asked to open, in milliseconds. */
  openWithin?: number;
}

/** Keep-alives that may go unanswered; the connection ends one interval later. */
const keepaliveCountMax = 2;

/**
 * Connects to a host, after its key was found to be the known or pinned one.
 * @throws ColdtivateError, exit `refused`: HOST_UNKNOWN, HOST_UNREACHABLE, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED,
 * HOST_KEY_REVOKED, SSH_KEY_MISSING, SSH_KEY_INVALID, SSH_AUTHENTICATION_FAILED
 */
export async function connect(host: HostConfig, options: ConnectOptions = {}): Promise<HostConnection> {
  const trust = await loadTrust(host, options.knownHostsFiles);
  const identities = await loadIdentities(host);
  // A server has a key of each type, and a pinned fingerprint is that of one of them: the others are asked for in turn.
  const refused: Buffer[] = [];
  const pauses = [300, 1000];
  for (;;) {
    options.signal?.throwIfAborted();
    const attempt = await tryConnect(host, { trust, identities, options, refused });
    if (attempt.connection) return attempt.connection;
    if (attempt.presented) refused.push(attempt.presented);
    // A busy sshd turns some away (MaxStartups), and lets them in a moment later.
    const pause = attempt.isTurnedAway === true ? pauses.shift() : undefined;
    if (pause !== undefined) {
      await wait(pause, undefined, options.signal === undefined ? {} : { signal: options.signal }).catch(() => {});
      continue;
    }
    const more = attempt.presented !== undefined && trust.pinned !== undefined && algorithmsFor(trust, refused).length > 0;
    if (!more) throw refused.length > 0 ? hostKeyError(host, trust, refused) : attempt.error;
  }
}

interface Attempt {
  connection?: HostConnection;
  /** The key that was not trusted. */
  presented?: Buffer;
  error?: Error;
  /** Whether it closed the connection before it said who it is. */
  isTurnedAway?: boolean;
}

interface AttemptInput {
  trust: Trust;
  identities: Identities;
  options: ConnectOptions;
  refused: readonly Buffer[];
}

async function tryConnect(host: HostConfig, { trust, identities, options, refused }: AttemptInput): Promise<Attempt> {
  const { timeout = 10_000, patience = 12_000 } = options;
  let presented: Buffer | undefined;
  const ssh = new NodeSSH();
  const connecting = ssh.connect({
    host: host.host,
    port: host.port,
    username: host.user,
    readyTimeout: timeout,
    keepaliveCountMax,
    keepaliveInterval: patience / (keepaliveCountMax + 1),
    algorithms: { serverHostKey: algorithmsFor(trust, refused) },
    authHandler: identities.methods,
    hostVerifier: (key: Buffer) => {
      const accepted = accepts(trust, key);
      if (!accepted) presented = key;
      return accepted;
    },
  });
  const client = ssh.connection!;
  // node-ssh stops listening once it is connected, and an error that nobody hears ends the process.
  client.on("error", () => {});
  // Small packets that wait for acknowledgements cost 90 ms a command.
  client.setNoDelay(true);
  const stop = () => client.destroy();
  options.signal?.addEventListener("abort", stop, { once: true });
  try {
    await connecting;
    const reconnect: HostConnection["reconnect"] = (more) => connect(host, { ...options, ...more });
    return { connection: new SshConnection(host.host, client, { reconnect, openWithin: options.openWithin ?? 60_000 }) };
  } catch (cause) {
    client.destroy();
    options.signal?.throwIfAborted();
    return presented ? { presented } : { error: connectError(host, identities, { cause, timeout }), isTurnedAway: isTurnedAway(cause) };
  } finally {
    options.signal?.removeEventListener("abort", stop);
  }
}

class SshConnection implements HostConnection {
  readonly host: string;
  readonly reconnect: HostConnection["reconnect"];
  readonly #client: Client;
  readonly #openWithin: number;
  readonly #lost = new AbortController();
  readonly #ahead = new Map<string, StartedCommand>();
  readonly #running = new Set<StartedCommand>();
  #reason: Error | undefined;

  constructor(host: string, client: Client, { reconnect, openWithin }: Pick<HostConnection, "reconnect"> & { openWithin: number }) {
    this.host = host;
    this.#client = client;
    this.reconnect = reconnect;
    this.#openWithin = openWithin;
    client.on("error", (error) => (this.#reason ??= error));
    client.on("close", () => this.#lost.abort(lostError(host, this.#reason)));
  }

  async exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
    const ahead = this.#ahead.get(command);
    this.#ahead.delete(command);
    if (ahead !== undefined && (await ahead.opened)) return this.#finish(ahead, options);
    for (;;) {
      const started = this.#start(command);
      if (await started.opened) return this.#finish(started, options);
      if (!(await this.#makeRoom())) throw sessionError(this.host);
      options.signal?.throwIfAborted();
    }
  }

  startAhead(command: string): void {
    const started = this.#start(command);
    this.#ahead.set(command, started);
    // Whoever comes back to it hears why it did not start.
    started.opened.catch(() => {});
  }

  #start(command: string): StartedCommand {
    const started = startCommand(this.#client, command, { host: this.host, lost: this.#lost.signal, openWithin: this.#openWithin });
    this.#running.add(started);
    void started.ended.then(() => this.#running.delete(started));
    return started;
  }

  async #finish(started: StartedCommand, options: ExecOptions): Promise<ExecResult> {
    const result = await started.finish(options);
    // A shell that a signal ended says nothing of itself.
    if (result.isForeign === true && result.code <= 128) throw shellFault(this.host, { ...result, stdout: result.stdout.toString() });
    return result;
  }

  /** Waits until one of the commands that run has ended, where a host lets only so many run at once. Returns: whether any did. */
  async #makeRoom(): Promise<boolean> {
    for (const [command, started] of this.#ahead) {
      this.#ahead.delete(command);
      if (!(await started.opened)) continue;
      // It waits for its input, and ends without.
      await started.finish({});
      return true;
    }
    if (this.#running.size === 0) return false;
    await Promise.race([...this.#running].map(({ ended }) => ended));
    return true;
  }

  async openSocket(path: string): Promise<Duplex> {
    const { signal: lost } = this.#lost;
    lost.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
    const opening = setTimeout(() => reject(silenceError(this.host, this.#openWithin)), this.#openWithin);
    this.#client.openssh_forwardOutStreamLocal(path, (cause, channel) => {
      clearTimeout(opening);
      if (cause) return reject(lost.aborted ? lost.reason : socketError(this.host, path, cause));
      // A channel just closes with its connection: whoever uses it learns why.
      const end = () => channel.emit("error", lost.reason);
      channel.on("error", () => {});
      channel.once("close", () => lost.removeEventListener("abort", end));
      lost.addEventListener("abort", end, { once: true });
      resolve(channel);
    });
    return promise;
  }

  async close(): Promise<void> {
    if (this.#lost.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lost.signal.addEventListener("abort", () => resolve());
    this.#client.end();
    // The goodbye is on its way: the host's answer to it, a round trip later, changes nothing.
    setImmediate(() => this.#client.destroy());
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
