import type { Duplex } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import type { Client, ClientChannel } from "ssh2";
import type { HostConfig } from "../../config/schema/config.ts";
import { shellFault } from "./host-fault.ts";
import { startCommand, type ExecOptions, type ExecResult, type StartedCommand } from "./ssh-channel.ts";
import type { HostAccess } from "./route/ssh-access.ts";
import { lostError, sessionError, silenceError, socketError } from "./ssh-error.ts";
import { establish } from "./ssh-establish.ts";
import { HopPool, openWay, viaOf } from "./ssh-hops.ts";
import { KeyRing } from "./keys/ssh-key-ring.ts";
import { findRoute, type RouteOptions } from "./route/ssh-route.ts";

/** One SSH connection to a host. Everything runs on it as channels. */
export interface HostConnection extends AsyncDisposable {
  /** The host as the user calls it. */
  readonly host: string;
  /**
   * Runs a command in the user's login shell, and resolves when it has really ended, whatever its exit code.
   * @throws ColdtivateError CONNECTION_LOST if the connection ends before the command does, which may go on;
   * LOGIN_SHELL_REFUSES or HOST_TOOLS_MISSING if it did not run at all
   */
  exec(command: string, options?: ExecOptions): Promise<ExecResult>;
  /**
   * Starts a command before there is any input for it, which saves two round trips. Without a call of the handle's `exec`, the
   * command reads an empty input.
   */
  startAhead(command: string): AheadCommand;
  /**
   * Connects again after this connection is lost.
   * @throws what connect throws
   */
  reconnect(options: { signal?: AbortSignal; timeout?: number }): Promise<HostConnection>;
  /** A stream to a Unix socket on the host. */
  openSocket(path: string): Promise<Duplex>;
  close(): Promise<void>;
}

/** A command that waits on the host for its input. */
export interface AheadCommand {
  /**
   * Gives the command its input; otherwise like the connection's `exec`. If the command had to make room for another one, or was
   * used already, it runs anew.
   */
  exec(options?: ExecOptions): Promise<ExecResult>;
}

export interface ConnectOptions extends RouteOptions {
  /** Milliseconds until the host must have shown its key; the login may take three times as long. */
  timeout?: number;
  /** Milliseconds until a host that no longer answers counts as lost. */
  patience?: number;
  /** Milliseconds until a host that answers must have opened a requested channel. */
  openWithin?: number;
  /** Pauses, in milliseconds, before trying a host again that turned us away. */
  pauses?: readonly number[];
  /** What the connections of one command share. */
  shared?: SharedAccess;
}

export interface SharedAccess {
  hops: HopPool;
  keys: KeyRing;
}

const rings = new WeakMap<object, KeyRing>();

/** What the connections of a command share: jump hosts, and passphrases, which a person types only once. */
export function shareAccess({ askSecret }: HostAccess): SharedAccess {
  const keys = (askSecret && rings.get(askSecret)) ?? new KeyRing();
  if (askSecret) rings.set(askSecret, keys);
  return { hops: new HopPool(), keys };
}

/**
 * Connects to a host, through jump hosts if necessary. The key of each host must first be found to be the known, pinned or
 * certified one.
 * @throws ColdtivateError, exit `refused`: HOST_UNKNOWN, HOST_UNREACHABLE, JUMP_REFUSED, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED,
 * HOST_KEY_REVOKED, HOST_KEY_WEAK, KNOWN_HOSTS_UNREADABLE, SSH_KEY_MISSING, SSH_KEY_INVALID, SSH_AUTHENTICATION_FAILED,
 * SSH_CONFIG_INVALID, SSH_CONFIG_NOT_TRUSTED; exit `usage`: SSH_USER_MISSING
 */
export async function connect(host: HostConfig, options: ConnectOptions = {}): Promise<HostConnection> {
  const shared = options.shared ?? shareAccess(options);
  const { hops, target } = await findRoute(host, options);
  const access = { timeout: 10_000, patience: 12_000, ...options, keys: shared.keys };
  const before = await shared.hops.hold(hops, access);
  try {
    const client = await establish(target, () => openWay(target, before, access), viaOf(access, before));
    const reconnect: HostConnection["reconnect"] = (more) => connect(host, { ...options, shared, ...more });
    return new SshConnection(host.host, client, { reconnect, openWithin: 60_000, ...options, release: () => before?.release() });
  } catch (error) {
    before?.release();
    throw error;
  }
}

/** Pauses, in milliseconds, before a host that let commands run is asked again, although none runs any more. */
const noticing = [20, 50, 100, 200, 400, 800];

interface SessionOptions extends Pick<HostConnection, "reconnect"> {
  openWithin: number;
  /** Releases the jump hosts. */
  release: () => void;
}

class SshConnection implements HostConnection {
  readonly host: string;
  readonly reconnect: HostConnection["reconnect"];
  readonly #client: Client;
  readonly #openWithin: number;
  readonly #lost = new AbortController();
  /** Commands that wait for their input. */
  readonly #ahead = new Set<StartedCommand>();
  readonly #running = new Set<StartedCommand>();
  /** Whether the host has ever let a command run. */
  #hasOpened = false;
  readonly #release: () => void;
  #reason: Error | undefined;

  constructor(host: string, client: Client, { reconnect, openWithin, release }: SessionOptions) {
    this.host = host;
    this.#client = client;
    this.reconnect = reconnect;
    this.#openWithin = openWithin;
    this.#release = release;
    client.on("error", (error) => (this.#reason ??= error));
    client.on("close", () => {
      this.#lost.abort(lostError(host, this.#reason));
      release();
    });
  }

  async exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
    const { signal } = options;
    signal?.throwIfAborted();
    for (let refusals = 0; ; signal?.throwIfAborted()) {
      const started = this.#start(command);
      if (await this.#opens(started, signal)) return this.#finish(started, options);
      if (await this.#makeRoom()) continue;
      // sshd counts a session that has ended until it has noticed.
      const pause = this.#hasOpened ? noticing[refusals++] : undefined;
      if (pause === undefined) throw sessionError(this.host);
      await wait(pause);
    }
  }

  /** Whether a command has started. If it is no longer wanted, it ends as soon as it starts. */
  async #opens({ opened, stop }: StartedCommand, signal: AbortSignal | undefined): Promise<boolean> {
    if (signal === undefined) return opened;
    const aborted = Promise.withResolvers<never>();
    const abort = () => {
      stop();
      aborted.reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([opened, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  startAhead(command: string): AheadCommand {
    const started = this.#start(command);
    this.#ahead.add(started);
    // The `exec` that uses it sees why it did not start.
    started.opened.catch(() => {});
    return {
      exec: async (options = {}) => {
        options.signal?.throwIfAborted();
        const isWaiting = this.#ahead.delete(started) && (await this.#opens(started, options.signal));
        return isWaiting ? this.#finish(started, options) : this.exec(command, options);
      },
    };
  }

  #start(command: string): StartedCommand {
    const started = startCommand(this.#client, command, { host: this.host, lost: this.#lost.signal, openWithin: this.#openWithin });
    this.#running.add(started);
    void started.ended.then(() => this.#running.delete(started));
    return started;
  }

  async #finish(started: StartedCommand, options: ExecOptions): Promise<ExecResult> {
    this.#hasOpened = true;
    const result = await started.finish(options);
    // A shell that a signal ended does not report a fault of its own.
    if (result.isForeign === true && result.code <= 128) throw shellFault(this.host, { ...result, stdout: result.stdout.toString() });
    return result;
  }

  /**
   * Waits until one of the running commands has ended, because a host may limit how many run at once. Returns whether any did.
   */
  async #makeRoom(): Promise<boolean> {
    for (const started of this.#ahead) {
      this.#ahead.delete(started);
      if (!(await started.opened)) continue;
      // It waits for its input, and ends without any.
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
    const onOpened = (cause: Error | undefined, channel: ClientChannel) => {
      clearTimeout(opening);
      if (cause) return reject(lost.aborted ? lost.reason : socketError(this.host, path, cause));
      // When the connection ends, a channel just closes. The error tells its user why.
      const end = () => channel.emit("error", lost.reason);
      channel.on("error", () => {});
      channel.once("close", () => lost.removeEventListener("abort", end));
      lost.addEventListener("abort", end, { once: true });
      resolve(channel);
    };
    try {
      this.#client.openssh_forwardOutStreamLocal(path, onOpened);
    } catch (cause) {
      // ssh2 throws if the connection has just ended and nothing has reported that yet.
      clearTimeout(opening);
      reject(lostError(this.host, cause instanceof Error ? cause : undefined));
    }
    return promise;
  }

  async close(): Promise<void> {
    if (this.#lost.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lost.signal.addEventListener("abort", () => resolve());
    this.#client.end();
    // The disconnect message is on its way. The host's answer to it, a round trip later, changes nothing.
    setImmediate(() => {
      this.#client.destroy();
      this.#release();
      // A connection through another host ends only when that host says so.
      setImmediate(resolve);
    });
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
