import { isSlot, slotName } from "../../fronts/fronts.ts";
import type { HostState, ObservedContainer } from "../../host/host-state.ts";
import { replicas } from "../../compose/model.ts";
import type { Rendered, RenderedFront, RenderedService } from "../../release/rendered.ts";
import { replacedWith } from "../../compose/sharing.ts";
import { changesSince, differences, notOurs, shortImage, unexplained } from "./differences.ts";
import { settingsOf } from "./order-works.ts";
import type { ServiceChange } from "./plan.ts";

/**
 * What a front needs:
 *
 * - `keep`: nothing,
 * - `make`: to be created where nothing served,
 * - `move`: to take the place of a container without a front,
 * - `replace`: to be replaced in place,
 * - `join`: to be replaced by a front that joins it before it leaves,
 * - `configure`: another configuration.
 */
export type FrontWork = "keep" | "make" | "move" | "replace" | "join" | "configure";

/** What a service needs on a host. */
export interface ServiceWork extends ServiceChange {
  /** Whether it gets new containers. */
  isReplaced: boolean;
  front: FrontWork;
  /** Compose services that must be gone before its new container starts. */
  before: string[];
  /** Compose services that are no longer needed once the release serves. */
  after: string[];
}

type Containers = ReadonlyMap<string, readonly ObservedContainer[]>;

const untouched = { isReplaced: false, front: "keep", before: [], after: [] } as const satisfies Partial<ServiceWork>;

/**
 * Compares a release with what a host runs, by service, sorted by name.
 *
 * @param isBack whether the release served before, so that its one-shots have run already
 */
export function compareServices(rendered: Rendered, state: HostState, isBack = false): ServiceWork[] {
  const containers: Containers = Map.groupBy(
    state.containers.filter(({ oneOff }) => !oneOff),
    ({ service }) => service,
  );
  const ownerOf = owners(rendered, state);
  const groups = Map.groupBy(containers.keys(), ownerOf);
  const names = [...new Set([...Object.keys(rendered.services), ...groups.keys()])].toSorted();
  const works = names.map((service): ServiceWork => {
    const wanted = rendered.services[service];
    const parts = groups.get(service) ?? [];
    if (wanted === undefined)
      return { service, change: "remove", reasons: ["no longer part of the release"], ...untouched, after: [...parts] };
    const front = rendered.fronts[service];
    const comparison = { service, wanted, parts, containers, rendered, state };
    const work =
      wanted.rollout === "once"
        ? compareOnce(comparison, isBack)
        : front === undefined
          ? compareSingle(comparison)
          : compareFronted(comparison, front);
    return { ...work, rollout: wanted.rollout, rolloutReason: wanted.rolloutReason };
  });
  return withSharers(works, rendered);
}

/** A service that shares the container of a replaced service, or restarts with it, is replaced, too. */
function withSharers(works: readonly ServiceWork[], rendered: Rendered): ServiceWork[] {
  const byName = new Map(works.map((work) => [work.service, work]));
  const isRunning = ({ change, rollout }: ServiceWork) => change === "keep" && rollout !== "once";
  for (let found = true; found;) {
    found = false;
    for (const work of byName.values()) {
      const { service, reasons } = work;
      const all = [...replacedWith(settingsOf(service, rendered)), ...(rendered.services[service]?.restarts ?? [])];
      const targets = all.filter((name) => byName.get(name)?.isReplaced === true);
      const isTold = reasons.length > 0 && reasons[0] !== unexplained;
      if (targets.length === 0 || isTold || !(isRunning(work) || work.isReplaced)) continue;
      const taken = rendered.fronts[service]?.slots.map((slot) => slotName(service, slot)) ?? [];
      const after = work.after.filter((part) => !taken.includes(part));
      byName.set(service, { ...work, change: "update", isReplaced: true, reasons: [`is replaced with ${targets.join(", ")}`], after });
      found = true;
    }
  }
  return [...byName.values()];
}

/** A one-shot: it runs again if it differs from the last time. */
function compareOnce({ service, wanted, parts, containers, state }: Comparison, isBack: boolean): ServiceWork {
  const known = state.manifest?.services[service];
  const others = parts.filter((part) => part !== service);
  const running = (containers.get(service) ?? []).some(({ status }) => status === "running");
  if (isBack || known?.definition === wanted.definition) {
    // If the serving release ran it as a lasting service, it does not outlive that release.
    const stays = running && known?.once !== true ? [service] : [];
    return { service, change: "keep", reasons: [], ...untouched, after: [...others, ...stays] };
  }
  const isNew = parts.length === 0 && known === undefined;
  const own = containers.get(service) ?? [];
  const reasons = isNew ? [shortImage(wanted.image)] : changesSince(wanted, known, own[0]);
  return { service, change: isNew ? "create" : "update", reasons, ...untouched, isReplaced: true, before: others };
}

interface Comparison {
  service: string;
  wanted: RenderedService;
  /** The Compose services that belong to it and have containers. */
  parts: readonly string[];
  containers: Containers;
  rendered: Rendered;
  state: HostState;
}

/** A service that has no front now, but may have had one. */
function compareSingle({ service, wanted, parts, containers, rendered, state }: Comparison): ServiceWork {
  const running = containers.get(service) ?? [];
  const before = parts.filter((part) => part !== service);
  if (parts.length === 0) return { service, change: "create", reasons: [shortImage(wanted.image)], ...untouched, isReplaced: true };
  const wasFronted = running.some(({ definition }) => definition !== "" && definition === state.manifest?.fronts[service]?.definition);
  const instances = replicas(rendered.model.services[service] ?? {});
  const reasons = wasFronted
    ? [`${was(service, state)}, is now recreate: a gap while it is replaced`]
    : differences(wanted, { containers: running, instances, known: state.manifest?.services[service] });
  if (reasons.length === 0) return { service, change: "keep", reasons, ...untouched, after: before };
  return { service, change: "update", reasons, ...untouched, isReplaced: true, before };
}

/** A service that has a front now, but may have had none. */
function compareFronted({ service, wanted, parts, containers, rendered, state }: Comparison, front: RenderedFront): ServiceWork {
  const known = state.manifest?.fronts[service];
  const own = containers.get(service) ?? [];
  const isFront = ({ definition }: ObservedContainer) => definition !== "" && [front.definition, known?.definition].includes(definition);
  const update = { service, change: "update", ...untouched, isReplaced: true } as const;
  if (parts.length === 0) return { ...update, change: "create", reasons: [shortImage(wanted.image)], front: "make" };
  const live = state.fronts[service];
  if (own.length === 0 || live === undefined || !own.some(isFront)) {
    const foreign = own.some(({ definition }) => definition === "");
    const reasons =
      own.length === 0 ? ["has no front"] : [...(foreign ? [notOurs] : []), "moves behind a front: a gap of about a second, once"];
    const before = front.slots.includes("slot") ? [...parts] : [];
    return { ...update, reasons, front: own.length === 0 ? "make" : "move", before };
  }

  const serving = slotName(service, live);
  const frontWork = compareFront(own, front, known?.configuration);
  if (!front.slots.includes(live)) {
    const before = front.slots.includes("slot") ? parts.filter((part) => part !== service) : [];
    const told = frontWork.front === "replace" || frontWork.front === "join" ? frontWork.reasons : [];
    const reasons = [`${was(service, state)}, is now ${wanted.rollout}`, ...told];
    return { ...update, reasons, front: frontWork.front, before };
  }
  const instances = replicas(rendered.model.services[serving] ?? {});
  const reasons = differences(wanted, { containers: containers.get(serving) ?? [], instances, known: state.manifest?.services[service] });
  const told = [...reasons, ...frontWork.reasons];
  const idle = parts.filter((part) => part !== service && part !== serving);
  const taken = reasons.length === 0 ? [] : front.slots.map((slot) => slotName(service, slot));
  const after = idle.filter((part) => !taken.includes(part));
  if (told.length === 0) return { service, change: "keep", reasons: [], ...untouched, after };
  return { ...update, reasons: told, isReplaced: reasons.length > 0, front: frontWork.front, after };
}

/** The rollout that the serving release uses for a service with a front. */
function was(service: string, { manifest }: HostState): string {
  return manifest?.fronts[service]?.slots.includes("slot") === true ? "was hold" : "was blue-green";
}

function compareFront(
  running: readonly ObservedContainer[],
  wanted: RenderedFront,
  configuration: string | undefined,
): { front: FrontWork; reasons: string[] } {
  const down = running.find(({ status }) => status !== "running");
  if (down !== undefined) return { front: "replace", reasons: [`its front is ${down.status}`] };
  if (running.length > 1 || running.some(({ definition }) => definition !== wanted.definition)) {
    return running.length === 1 && wanted.exclusive.length === 0
      ? { front: "join", reasons: ["its front is replaced by one beside it"] }
      : { front: "replace", reasons: ["its front is replaced: a gap of about a second"] };
  }
  return configuration === wanted.configuration
    ? { front: "keep", reasons: [] }
    : { front: "configure", reasons: ["settings of its front"] };
}

/**
 * Finds the service that a Compose service belongs to. A slot, of this release or the serving one, belongs to the service with
 * the front.
 */
function owners(rendered: Rendered, { manifest, fronts }: HostState): (part: string) => string {
  const fronted = new Set([...Object.keys(rendered.fronts), ...Object.keys(manifest?.fronts ?? {}), ...Object.keys(fronts)]);
  return (part) => {
    const dash = part.lastIndexOf("-");
    const owner = part.slice(0, Math.max(0, dash));
    return rendered.services[part] === undefined && isSlot(part.slice(dash + 1)) && fronted.has(owner) ? owner : part;
  };
}
