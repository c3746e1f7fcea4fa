import { decision } from "../../plan/steps/barriers.ts";

/** What a host is to be told. */
export interface Order {
  host: string;
  message: string;
}

/**
 * Brings hosts through a release together: each event of theirs comes to orders. They go past a barrier once all of them have
 * come to it. Going past the last one is the decision: until then one that fails ends it for all, and from then on nobody is
 * told to undo.
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

  /** A host has come to a barrier. */
  arrive(host: string, barrier: string): Order[] {
    this.#waiting.set(host, barrier);
    if (this.isStopped || !this.#hosts.every((each) => this.#waiting.get(each) === barrier)) return [];
    this.#waiting.clear();
    this.isDecided = barrier === decision;
    return this.#tellAll(`go ${barrier}`);
  }

  /** A host failed, refused, or can no longer be heard; or the user wants to undo. */
  stop(): Order[] {
    if (this.isDecided || this.isStopped) return [];
    this.isStopped = true;
    return this.#tellAll("abort");
  }

  #tellAll(message: string): Order[] {
    return this.#hosts.map((host) => ({ host, message }));
  }
}
