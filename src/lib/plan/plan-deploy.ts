import type { HostState } from "../host/host-state.ts";
import { allSlots, slotName } from "../fronts/fronts.ts";
import { levels } from "../compose/order.ts";
import type { TaskRuns } from "../release/task-runs.ts";
import { barrier, isBarrier } from "./steps/barriers.ts";
import { judgeMemory } from "./capacity/capacity-memory.ts";
import { compareServices, type ServiceWork } from "./steps/compare-services.ts";
import { chooseTasks } from "./steps/choose-tasks.ts";
import { settingsOf, orderWorks } from "./steps/order-works.ts";
import type { HostPlan, ServiceChange } from "./steps/plan.ts";
import type { Barrier, Step } from "./steps/step.ts";
import {
  abandon,
  startFronts,
  hold,
  hook,
  join,
  leave,
  look,
  nameFirst,
  once,
  probe,
  prune,
  pull,
  reach,
  remove,
  replace,
  replaceSlot,
  retire,
  start,
  switchOver,
  task,
  unwritten,
  type StepFacts,
} from "./steps/steps.ts";

export interface DeployInput extends StepFacts {
  state: HostState;
  /** The release's commit. */
  commit: string;
  /** Whether this host runs the tasks. They run once for all hosts. */
  runsTasks: boolean;
  /** The last run of each task in the environment. */
  lastRuns?: TaskRuns;
  /** The action whose hooks run; by default, a deploy's. */
  action?: "deploy" | "rollback";
  /** Whether the environment has other hosts. If so, the plan has barriers, for alignHosts. */
  hasPeers?: boolean;
  /** Whether the release is declared irreversible. */
  isIrreversible?: boolean;
  /** Data that containers wrote and that the release leaves behind. */
  leaves?: {
    /** Folders that nobody has written to, to be checked again: arguments of the step `unwritten`. */
    unwritten: readonly string[];
    /** Folders that somebody has written to, and that may be left behind. */
    abandoned: readonly string[];
  };
}

/**
 * Decides what a host has to do to run a release. Changes nothing. Services that already run it are left alone.
 *
 * The order is:
 *
 * - Services with images that the project does not build, such as a database.
 * - Tasks.
 * - Services that are new on this host, by dependency.
 * - All other services. Their idle slots start at the same time.
 *
 * Singletons are replaced once the new slots are healthy, and before anything switches. Until then, every failure is undone
 * without any request noticing. If memory is short, singletons come first, and the other services go one at a time: each old one
 * stops before the next one starts. At barriers, a host waits for its peers.
 */
export function planHost(input: DeployInput): HostPlan {
  const { rendered, state, hasPeers = false, action = "deploy" } = input;
  const waitAt = (name: Barrier) => (hasPeers ? [barrier(name)] : []);
  const works = compareServices(rendered, state, action === "rollback");
  const isInTurn = judgeMemory(works, input)?.way === "in turn";
  const { run: tasks, unchanged } = input.runsTasks ? chooseTasks(input, works) : { run: [], unchanged: [] };
  const order = orderWorks(
    works,
    rendered,
    tasks.flatMap((name) => rendered.tasks[name]?.service ?? []),
  );
  const steps: Step[] = [
    ...pull([...neededImages(works, input), ...tasks.map((name) => rendered.tasks[name]?.image ?? "")]),
    ...waitAt("pulled"),
    ...byLevel(order.first, input),
    ...tasks.map((name) => task(name, input)),
    ...waitAt("prepared"),
    ...order.blocks.flatMap(({ once: ending, services }, index) => {
      const updated = services.filter(({ change }) => change === "update");
      const created = services.filter(({ change, isReplaced }) => change === "create" && isReplaced);
      return [
        ...byLevel(ending, input),
        ...byLevel(created, input),
        ...(isInTurn ? [] : start(slotsToReplace(updated, input), input)),
        ...(index === order.blocks.length - 1 ? waitAt("healthy") : []),
        ...update(updated, input, isInTurn),
      ];
    }),
  ];
  const switched = isInTurn ? [] : works.filter((work) => switches(work, input)).map(({ service }) => service);
  const joined = isInTurn ? [] : works.filter((work) => work.front === "join").map(({ service }) => service);
  // The old fronts only know the old slots.
  const after = [...leave(joined, input), ...retire(switched, input), ...remove(works.flatMap((work) => work.after))];
  const changes = ![...steps, ...after].every(isBarrier);
  const isDone = serves(input, [...steps, ...after]);
  const expect = state.current === "" ? "-" : state.current;
  return {
    host: state.host,
    expect,
    services: works.map(summarise),
    ...(unchanged.length === 0 || isDone ? {} : { unchanged }),
    steps: isDone
      ? []
      : [
          { verb: "expect", release: expect },
          ...hook(`before_${action}`, input),
          ...nameFirst(misnamed(input)),
          ...(changes ? look(input) : []),
          ...steps,
          ...unwritten(input.leaves?.unwritten ?? []),
          ...(changes ? [reach(input)] : []),
          ...waitAt("switched"),
          { verb: "commit" },
          ...after,
          ...hook(`after_${action}`, input),
          ...abandon(input.leaves?.abandoned ?? []),
          prune(input.config),
        ],
  };
}

/** Services without a container numbered 1, for example because Compose renumbered them. Links use that name. */
function misnamed({ rendered, state }: DeployInput): string[] {
  const containers = Map.groupBy(
    state.containers.filter(({ oneOff, definition }) => !oneOff && definition !== ""),
    ({ service }) => service,
  );
  return [...containers].flatMap(([service, found]) => {
    const isCounted = found.every(({ name }) => /-\d+$/.test(name) && name.replace(/\d+$/, "").endsWith(`-${service}-`));
    const isKnown = rendered.services[service] !== undefined && isCounted;
    return isKnown && !found.some(({ name }) => name.endsWith(`-${service}-1`)) ? [service] : [];
  });
}

/**
 * Brings up services that do not serve yet, or that are replaced in place. Each level is up before the next one starts.
 *
 * @param mayServe whether services with the rollout `hold` may already serve, so that requests have to wait
 */
export function byLevel(works: readonly Pick<ServiceWork, "service" | "before">[], input: StepFacts, mayServe = false): Step[] {
  const { rendered } = input;
  const names = works.map(({ service }) => service);
  const wayOf = (service: string) => rendered.services[service]?.rollout ?? "recreate";
  const before = new Map(works.map((work) => [work.service, work.before]));
  const written = Object.fromEntries(names.map((name) => [name, settingsOf(name, rendered)]));
  return levels(written, names).flatMap((level) => {
    const ways = Object.groupBy(level, wayOf);
    const fronted = level.filter((service) => rendered.fronts[service] !== undefined);
    return [
      ...remove(level.flatMap((service) => before.get(service) ?? [])),
      ...replace(ways.recreate ?? [], input),
      ...once(ways.once ?? [], input),
      ...start(ways["blue-green"] ?? [], input),
      ...(ways.hold ?? []).flatMap((service) =>
        mayServe ? hold(service, otherSlots(service, input), input) : replaceSlot(service, input),
      ),
      ...startFronts(fronted),
    ];
  });
}

/** The slots that a service would have with another rollout. */
function otherSlots(service: string, { rendered }: StepFacts): string[] {
  const used = rendered.fronts[service]?.slots ?? [];
  return allSlots.filter((slot) => !used.includes(slot)).map((slot) => slotName(service, slot));
}

/** Services that serve, and whose idle slot gets a new version. */
function slotsToReplace(works: readonly ServiceWork[], { rendered }: StepFacts): string[] {
  return works
    .filter(({ service, isReplaced }) => isReplaced && rendered.services[service]?.rollout === "blue-green")
    .map(({ service }) => service);
}

/**
 * Updates services that serve: in slots if they have fronts, in place otherwise. The slots are already warm, unless services go
 * one at a time.
 */
function update(works: readonly ServiceWork[], input: DeployInput, isInTurn: boolean): Step[] {
  const { rendered } = input;
  const ways = Object.groupBy(works, ({ service }) => rendered.services[service]?.rollout ?? "recreate");
  const slots = (ways["blue-green"] ?? []).filter(({ isReplaced }) => isReplaced);
  const held = (ways.hold ?? []).filter(({ isReplaced }) => isReplaced);
  const moving = held.filter(({ front: work }) => work === "move" || work === "make");
  const holding = held.filter((work) => !moving.includes(work));
  // Switching or opening a slot also gives the front its new settings.
  const fronts = works.filter(
    (work) =>
      work.front === "replace" ||
      work.front === "join" ||
      (work.front === "configure" && !work.isReplaced) ||
      ((work.front === "move" || work.front === "make") && !moving.includes(work)),
  );
  const turns = isInTurn ? slots : [];
  const joining = fronts.filter((work) => work.front === "join" && !isInTurn);
  const known = fronts.filter((work) => !work.isReplaced).map(({ service }) => service);
  return [
    ...byLevel(ways.recreate ?? [], input),
    ...moving.flatMap(({ service, before }) => [...remove(before), ...replaceSlot(service, input), ...startFronts([service])]),
    ...holding.flatMap(({ service, before }) => hold(service, before, input)),
    ...probe(known),
    // One after the other, to keep each gap as short as possible.
    ...fronts.filter((work) => !turns.includes(work) && !joining.includes(work)).flatMap(({ service }) => startFronts([service])),
    ...join(joining.map(({ service }) => service)),
    ...works.filter((work) => switches(work, input) && !turns.includes(work)).map(({ service }) => switchOver(service)),
    ...inTurn(turns, fronts, input),
  ];
}

/** Updates services in slots one after the other. The old one has stopped before the next one starts. */
function inTurn(works: readonly ServiceWork[], fronts: readonly ServiceWork[], input: DeployInput): Step[] {
  const byName = new Map(works.map((work) => [work.service, work]));
  const written = Object.fromEntries(works.map(({ service }) => [service, settingsOf(service, input.rendered)]));
  return levels(written, [...byName.keys()])
    .flat()
    .flatMap((service) => {
      const work = byName.get(service);
      return [
        ...start([service], input),
        ...(fronts.some((other) => other.service === service) ? startFronts([service]) : []),
        ...(work !== undefined && switches(work, input) ? [switchOver(service), ...retire([service], input)] : []),
      ];
    });
}

/** Whether a front has to switch from one slot to the other. */
function switches({ service, change, isReplaced }: ServiceWork, { rendered, state }: DeployInput): boolean {
  return change === "update" && isReplaced && rendered.services[service]?.rollout === "blue-green" && state.fronts[service] !== undefined;
}

function neededImages(works: readonly ServiceWork[], { rendered }: StepFacts): string[] {
  return works.flatMap(({ service, isReplaced, front: work }) => [
    ...(isReplaced ? [rendered.services[service]?.image ?? ""] : []),
    ...(work === "keep" || work === "configure" ? [] : [rendered.fronts[service]?.image ?? ""]),
  ]);
}

/**
 * Whether the host already runs the release, so that nothing is left to do. Another commit or an irreversible declaration is
 * recorded even if it changes nothing.
 */
function serves({ state: { manifest }, commit: wanted, isIrreversible = false }: DeployInput, steps: readonly Step[]): boolean {
  return steps.every(isBarrier) && manifest?.commit === wanted && (!isIrreversible || manifest.irreversible === true);
}

function summarise({ service, change, reasons, rollout, rolloutReason }: ServiceWork): ServiceChange {
  return {
    service,
    change,
    reasons,
    ...(rollout === undefined ? {} : { rollout }),
    ...(rolloutReason === undefined ? {} : { rolloutReason }),
  };
}
