import { slotName } from "../../fronts/fronts.ts";
import type { ComposeService } from "../../compose/model.ts";
import { dependencies, sharers } from "../../compose/order.ts";
import type { Rendered } from "../../release/rendered.ts";
import { sharedBy } from "../../compose/sharing.ts";
import type { ServiceChange } from "./plan.ts";

/** What decides about a service's place. */
export interface WorkPlace extends Pick<ServiceChange, "service" | "change"> {
  isReplaced: boolean;
}

/** In which order services are worked on. */
export interface WorkOrder<Work extends WorkPlace> {
  /** Before the tasks: what the project does not build, what tasks need, and what these wait for. */
  first: Work[];
  /** After them, one block after the other: what runs to its end, then services. There is one at least. */
  blocks: { once: Work[]; services: Work[] }[];
}

/**
 * Puts services in their order, by what they depend on. One that runs to its end comes before whatever waits for it, and
 * after what it needs itself: where that is replaced in slots, once these have switched, so that it starts a block of its own.
 * So does what restarts with a service behind a front: it is to find the new version. Of those that share a container none
 * is replaced before the others.
 *
 * @param tasks the services whose tasks run
 */
export function orderWorks<Work extends WorkPlace>(works: readonly Work[], rendered: Rendered, tasks: readonly string[]): WorkOrder<Work> {
  const { services, fronts } = rendered;
  const replaced = new Map(works.filter(({ isReplaced }) => isReplaced).map((work) => [work.service, work]));
  const needs = (name: string) => dependencies(settingsOf(name, rendered));
  const changing = (name: string) => needs(name).filter((other) => replaced.has(other));
  const isOnce = (name: string) => services[name]?.rollout === "once";
  const once = [...replaced.keys()].filter(isOnce);
  const prepared = closure([...tasks, ...once], needs);
  const users = new Set([...tasks, ...once].map((name) => services[name]?.image));
  const isOthers = (name: string) => services[name]?.built === undefined && fronts[name] === undefined && !isOnce(name);

  /** Whether others have to be there before the tasks, too: a database that the project builds, a new service of others behind a front. */
  const isNeeded = (name: string) => {
    if (!prepared.has(name) || isOnce(name)) return false;
    if (services[name]?.built === undefined) return replaced.get(name)?.change === "create";
    return fronts[name] === undefined && !users.has(services[name].image) && needs(name).every((other) => isOthers(other) || isOnce(other));
  };
  /** Of what a service needs, what is not there yet: what ends, and what the host does not run. A proxy may not start without it. */
  const isMissing = (name: string) => isOnce(name) || replaced.get(name)?.change === "create";
  const restarts = (name: string, other: string) => services[name]?.restarts?.includes(other) === true;
  const mayBeFirst = (name: string) =>
    isOnce(name)
      ? changing(name).every(isFirst)
      : (isOthers(name) || isNeeded(name)) &&
        changing(name)
          .filter((other) => isMissing(other) || restarts(name, other))
          .every(isFirst);
  const together = partners(
    [...replaced.values()].filter(({ service, change }) => change === "update" && !isOnce(service)),
    rendered,
  );
  const isFirst: (name: string) => boolean = remembered((name: string) => together(name).every(mayBeFirst), true);
  const first = [...replaced.keys()].filter((name) => !isOnce(name) && isFirst(name));
  const awaited = closure([...first, ...tasks], needs);
  const early = new Set([...first, ...once.filter((name) => isFirst(name) && awaited.has(name))]);

  /** The block that a service is in. */
  const blockOf: (name: string) => number = remembered(
    (name: string) =>
      Math.max(
        0,
        ...together(name).flatMap((each) =>
          changing(each)
            .filter((other) => !early.has(other))
            .map((other) => blockOf(other) + (isAfter(each, other) ? 1 : 0)),
        ),
      ),
    0,
  );
  const isAfter = (name: string, other: string) =>
    !isOnce(other) &&
    (isOnce(name) || (fronts[name] !== undefined && sharedBy(settingsOf(name, rendered)).includes(other)) || restarts(name, other));

  const rest = works.filter(({ service, change }) => !early.has(service) && (change === "create" || change === "update"));
  const grouped = Map.groupBy(rest, ({ service }) => blockOf(service));
  const last = Math.max(0, ...grouped.keys());
  const blocks = Array.from({ length: last + 1 }, (_, index) => {
    const { yes = [], no = [] } = Object.groupBy(grouped.get(index) ?? [], ({ service }) => (isOnce(service) ? "yes" : "no"));
    return { once: yes, services: no };
  });
  return { first: works.filter(({ service }) => early.has(service)), blocks };
}

/** By service: those that are replaced in place with it, because they share a container, itself among them. */
function partners(works: readonly WorkPlace[], rendered: Rendered): (name: string) => readonly string[] {
  const names = works.map(({ service }) => service).filter((name) => rendered.fronts[name] === undefined);
  const groupOf = sharers(Object.fromEntries(names.map((name) => [name, settingsOf(name, rendered)])), names);
  const groups = Map.groupBy(names, groupOf);
  return (name) => groups.get(groupOf(name)) ?? [name];
}

/** The Compose service that has a service's own settings: that of its first slot, if it has slots. */
export function settingsOf(service: string, { fronts, model }: Pick<Rendered, "fronts" | "model">): ComposeService {
  const [slot] = fronts[service]?.slots ?? [];
  return model.services[slot === undefined ? service : slotName(service, slot)] ?? {};
}

/** All that names lead to, themselves left out. */
function closure(names: readonly string[], next: (name: string) => readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const waiting = names.flatMap(next);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    waiting.push(...next(name));
  }
  return found;
}

/** A question about names whose answer may ask about others: answered once, and for the time being where it leads back to itself. */
function remembered<Answer>(ask: (name: string) => Answer, meanwhile: Answer): (name: string) => Answer {
  const known = new Map<string, Answer>();
  return (name) => {
    const answer = known.get(name);
    if (answer !== undefined) return answer;
    known.set(name, meanwhile);
    const found = ask(name);
    known.set(name, found);
    return found;
  };
}
