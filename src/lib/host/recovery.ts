import { readAnswer, releaseName, releaseSchema, unreadable } from "../common/host-answer.ts";
import * as z from "zod";

/** The result of a recovery on a host. */
export interface Recovery {
  host: string;
  /** The id of the release that serves; empty when none does. */
  current: string;
  /** The interrupted releases, in order, and how each one ended. */
  settled: { release: string; outcome: string }[];
  /** The host's releases, in the order in which it took them up; absent if the script is too old to report it. */
  order?: string[];
}

const settledSchema = z.tuple([releaseSchema, z.enum(["finished", "undone", "broken"])]);

/**
 * Reads the script's output after a recovery: `current ⇥ release`, `order ⇥ release…`, then one line for each release that it
 * settled.
 * @throws ColdtivateError HOST_ANSWER
 */
export function parseRecovery(host: string, text: string): Recovery {
  const [first, ...rest] = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
  // The script refused before it had anything to say.
  if (first === undefined) return { host, current: "", settled: [] };
  const [word, current = "-"] = first;
  if (word !== "current" || (current !== "-" && !releaseName.test(current))) throw unreadable(host, "it does not say which release serves");
  const order = rest.find(([kind]) => kind === "order")?.slice(1);
  return {
    host,
    current: current === "-" ? "" : current,
    ...(order === undefined ? {} : { order: readAnswer(host, "the order of its releases", z.array(releaseSchema), order) }),
    settled: rest
      .filter(([kind]) => kind !== "order")
      .map((words) => {
        const [release, outcome] = readAnswer(host, "what became of its releases", settledSchema, words);
        return { release, outcome };
      }),
  };
}

/** How hosts that serve different releases get to the same one. */
export interface Catching<Host> {
  /** The release that all hosts should serve; empty if none serves. */
  newest: string;
  /** The hosts that serve another release, and have to apply this one. */
  behind: Host[];
  /** The serving releases, if the hosts disagree on which one is the newest, or none of them knows. */
  disputed?: string[];
}

/**
 * Finds the release that all hosts should serve, and the hosts that serve another one. It is the newest release that any host has
 * committed. The hosts tell which of two releases is newer by the order in which they took them up. Ids do not tell it: clients
 * make them, with their own clocks. Ids count only if no host reports an order.
 */
export function findBehind<Host extends Pick<Recovery, "current" | "order">>(hosts: readonly Host[]): Catching<Host> {
  const serving = [...new Set(hosts.map(({ current }) => current))].filter((current) => current !== "");
  const behindOf = (newest: string) => ({ newest, behind: hosts.filter(({ current }) => current !== newest) });
  if (serving.length < 2) return behindOf(serving[0] ?? "");
  const orders = hosts.flatMap(({ order }) => (order === undefined ? [] : [order]));
  if (orders.length === 0) return behindOf(serving.toSorted().at(-1) ?? "");
  const isNewer = (one: string, other: string) => {
    const told = orders.filter((order) => order.includes(one) && order.includes(other));
    return told.length > 0 && told.every((order) => order.lastIndexOf(one) > order.lastIndexOf(other));
  };
  const newest = serving.find((one) => serving.every((other) => other === one || isNewer(one, other)));
  return newest === undefined ? { newest: "", behind: [], disputed: serving.toSorted() } : behindOf(newest);
}
