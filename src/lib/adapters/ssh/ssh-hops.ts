import type { Client } from "ssh2";
import { markHandled } from "../../common/mark-handled.ts";
import type { EstablishOptions } from "./ssh-establish.ts";
import { establish } from "./ssh-establish.ts";
import type { Endpoint } from "./trust/ssh-endpoint.ts";
import { openCommand, openForward, openSocket, type Transport } from "./ssh-transport.ts";

/** The last jump host on the way to other hosts. It stays connected while somebody needs it. */
export interface HeldHop {
  client: Client;
  name: string;
  release(): void;
}

interface Entry {
  made: Promise<Client>;
  before: Promise<HeldHop | undefined>;
  users: number;
}

/** Jump hosts, one connection each: many hosts may lie behind the same one. */
export class HopPool {
  readonly #entries = new Map<string, Entry>();

  /**
   * Logs in to jump hosts one after the other, each through the one before, unless that was done already.
   * @returns the last one; undefined if there are none
   * @throws what establish throws
   */
  async hold(hops: readonly Endpoint[], options: EstablishOptions): Promise<HeldHop | undefined> {
    const last = hops.at(-1);
    if (last === undefined) return undefined;
    const key = JSON.stringify(hops.map(({ host, port, user, trust, proxyCommand }) => [host, port, user, trust, proxyCommand]));
    const entry = this.#entries.get(key) ?? this.#make(key, hops, last, options);
    entry.users++;
    const release = () => {
      if (--entry.users > 0) return;
      this.#forget(key, entry);
      void entry.made.then(end, () => {}).then(async () => (await entry.before.catch(() => undefined))?.release());
    };
    try {
      return { client: await entry.made, name: last.name, release: once(release) };
    } catch (error) {
      release();
      throw error;
    }
  }

  #make(key: string, hops: readonly Endpoint[], last: Endpoint, options: EstablishOptions): Entry {
    const before = markHandled(this.hold(hops.slice(0, -1), options));
    const made = before.then((hop) => establish(last, () => openWay(last, hop, options), viaOf(options, hop)));
    const entry = { users: 0, before, made };
    this.#entries.set(key, entry);
    const forget = () => this.#forget(key, entry);
    made.then((client) => client.once("close", forget), forget);
    return entry;
  }

  #forget(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}

/** Ends the connection without waiting for the answer. */
function end(client: Client): void {
  client.end();
  setImmediate(() => client.destroy());
}

export function viaOf(options: EstablishOptions, before: HeldHop | undefined): EstablishOptions {
  return before === undefined ? options : { ...options, via: before.name };
}

/** Opens a transport to a host: through the host before, through a command, or directly. */
export function openWay(endpoint: Endpoint, before: HeldHop | undefined, { signal, timeout }: EstablishOptions): Promise<Transport> {
  const { host, port, proxyCommand } = endpoint;
  if (before !== undefined) return openForward(before.client, host, port, { signal, timeout });
  if (proxyCommand !== undefined) return Promise.resolve(openCommand(proxyCommand));
  return openSocket(host, port, { signal, timeout });
}
