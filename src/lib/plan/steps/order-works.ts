import { slotName } from "../../fronts/fronts.ts";
import type { ComposeService } from "../../compose/model.ts";
import { dependencies, sharers } from "../../compose/order.ts";
import type { Rendered } from "../../release/rendered.ts";
import { sharedBy } from "../../compose/sharing.ts";
import type { ServiceChange } from "./plan.ts";

/** The facts that decide a service's place in the order. */
export interface WorkPlace extends Pick<ServiceChange, "service" | "change"> {
  isReplaced: boolean;
}

/** The order in which services are replaced. */
export interface WorkOrder<Work extends WorkPlace> {
  /** Before the tasks: images that the project does not build, services that tasks need, and what these wait for. */
  first: Work[];
  /** After the tasks, one block after the other: one-shots first, then services. There is at least one block. */
  blocks: { once: Work[]; services: Work[] }[];
}

/**
 * Orders services by what they depend on.
 *
 * - A one-shot comes before everything that waits for it, and after everything that it needs. If a service that it needs is
 *   replaced in slots, the one-shot starts a new block, after the switch.
 * - A service that restarts with a service behind a front also starts a new block, so that it finds the new version.
 * - Services that share a container are replaced together.
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

  /**
   * Whether a service also has to be up before the tasks: a database that the project builds, or a new third-party service behind
   * a front.
   */
  const isNeeded = (name: string) => {
    if (!prepared.has(name) || isOnce(name)) return false;
    if (services[name]?.built === undefined) return replaced.get(name)?.change === "create";
    return fronts[name] === undefined && !users.has(services[name].image) && needs(name).every((other) => isOthers(other) || isOnce(other));
  };
  /**
   * Whether a dependency is not there yet: a one-shot, or a service that the host does not run. A proxy may not start without it.
   */
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

  /** The number of the block that a service is in. */
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

/** By service: the services that are replaced in place together with it because they share a container, including itself. */
function partners(works: readonly WorkPlace[], rendered: Rendered): (name: string) => readonly string[] {
  const names = works.map(({ service }) => service).filter((name) => rendered.fronts[name] === undefined);
  const groupOf = sharers(Object.fromEntries(names.map((name) => [name, settingsOf(name, rendered)])), names);
  const groups = Map.groupBy(names, groupOf);
  return (name) => groups.get(groupOf(name)) ?? [name];
}

/** The Compose service with a service's own settings: its first slot, if it has slots. */
export function settingsOf(service: string, { fronts, model }: Pick<Rendered, "fronts" | "model">): ComposeService {
  const [slot] = fronts[service]?.slots ?? [];
  return model.services[slot === undefined ? service : slotName(service, slot)] ?? {};
}

/** Everything that is reachable from the names, without the names themselves. */
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

/** Caches the answers to a question about names that may recurse. In a cycle, the answer is `meanwhile`. */
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
