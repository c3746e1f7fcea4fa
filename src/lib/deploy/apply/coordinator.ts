import { decision } from "../../plan/steps/barriers.ts";

/** A message for a host. */
export interface Order {
  host: string;
  message: string;
}

/**
 * Brings hosts through a release together. Each event on a host yields the messages to send next. Hosts go past a barrier once
 * all of them have reached it. Going past the last barrier is the decision: before it, one failing host ends the release for all.
 * After it, no host is told to undo.
 */
export class Coordinator {
  /** Whether the hosts were told to commit. */
  isDecided = false;
  /** Whether they were told to undo. */
  isStopped = false;
  readonly #hosts: readonly string[];
  readonly #waiting = new Map<string, string>();

  constructor(hosts: readonly string[]) {
    this.#hosts = hosts;
  }

  /** A host has reached a barrier. */
  arrive(host: string, barrier: string): Order[] {
    this.#waiting.set(host, barrier);
    if (this.isStopped || !this.#hosts.every((each) => this.#waiting.get(each) === barrier)) return [];
    this.#waiting.clear();
    this.isDecided = barrier === decision;
    return this.#tellAll(`go ${barrier}`);
  }

  /** A host failed, refused or went silent, or the user aborts. */
  stop(): Order[] {
    if (this.isDecided || this.isStopped) return [];
    this.isStopped = true;
    return this.#tellAll("abort");
  }

  #tellAll(message: string): Order[] {
    return this.#hosts.map((host) => ({ host, message }));
  }
}
