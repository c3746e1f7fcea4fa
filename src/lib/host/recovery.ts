import { readAnswer, releaseName, releaseSchema, unreadable } from "../common/host-answer.ts";
import * as z from "zod";

/** What a host came to that was to recover. */
export interface Recovery {
  host: string;
  /** The id of the release that serves; empty when none does. */
  current: string;
  /** What it had left unsettled, in order, and how that ended. */
  settled: { release: string; outcome: string }[];
  /** The releases that it has, in the order in which it took them up; absent from a script that does not tell. */
  order?: string[];
}

const settledSchema = z.tuple([releaseSchema, z.enum(["finished", "undone", "broken"])]);

/**
 * What a host's script says when it has recovered: `current ⇥ release`, `order ⇥ release…`, then a line for each release
 * that it settled.
 * @throws ColdtivateError HOST_ANSWER
 */
export function parseRecovery(host: string, text: string): Recovery {
  const [first, ...rest] = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
  // It refused before it had anything to say.
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

/** What hosts that serve different releases are to come to. */
export interface Catching<Host> {
  /** The release that all hosts are to serve; empty where none serves anywhere. */
  newest: string;
  /** Those that serve another one, and are to take it up. */
  behind: Host[];
  /** Where hosts do not agree on which release is the newest, or none of them knows: which they serve. */
  disputed?: string[];
}

/**
 * The release that all hosts are to serve, the newest that any of them committed, and those that serve another one. Which of
 * two is newer the hosts tell by the order in which they took them up: clients made the ids, by clocks of their own. Where no
 * host tells an order at all, ids count.
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
