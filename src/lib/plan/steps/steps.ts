import type { Config, HostHookName } from "../../config/schema/config.ts";
import { defaultKeptReleases } from "../../config/schema/config.ts";
import { drainLimit, holdLimit } from "../../fronts/front-settings.ts";
import { slotName } from "../../fronts/fronts.ts";
import { isOptional } from "../../services/one-shots.ts";
import { replicas } from "../../compose/model.ts";
import type { Rendered } from "../../release/rendered.ts";
import { healthLimit } from "./health-limit.ts";
import type { Goodbye, Step, StepOf } from "./step.ts";

/** How long a one-shot may take, in milliseconds, unless the configuration says otherwise. */
const endsWithin = 600_000;

/** How long a container without a health check must run without a restart to count as up, in seconds. */
export const settleSeconds = 2;

/** How long a hook may take on a host, in seconds. */
const hookLimit = 600;

/** Settings that concern all services. */
type CommonConfig = Partial<Pick<Config, "hooks" | "keepReleases">>;

/** The facts that steps are made from. */
export interface StepFacts {
  config: Pick<Config, "services"> & CommonConfig;
  rendered: Rendered;
}

export function pull(images: Iterable<string>): Step[] {
  const all = [...new Set(images)].filter((image) => image !== "").toSorted();
  return all.length === 0 ? [] : [{ verb: "pull", images: all }];
}

/** Replaces services in place, then waits until they are healthy. */
export function replace(services: readonly string[], facts: StepFacts): Step[] {
  if (services.length === 0) return [];
  const healthy = (service: string): Step => ({ verb: "healthy", service, within: within(service, facts), settled: settleSeconds });
  return [{ verb: "recreate", services }, ...services.map(healthy)];
}

/** Runs one-shots to completion. */
export function once(services: readonly string[], { rendered: { model }, config }: StepFacts): Step[] {
  return services.map((service) => ({
    verb: "once",
    service,
    within: seconds(config.services[service]?.healthyWithin ?? endsWithin),
    isOptional: isOptional(service, model.services),
  }));
}

/** Renames containers of services so that their numbers start at 1, and others find the first one by its name. */
export function nameFirst(services: readonly string[]): Step[] {
  return unlessEmpty("name", services);
}

/** Starts the idle slots of services, then waits until they are healthy. */
export function start(services: readonly string[], facts: StepFacts): Step[] {
  if (services.length === 0) return [];
  return [{ verb: "start", services }, ...services.map((service) => healthySlot(service, "idle", facts)), ...probe(services)];
}

/** Probes healthy containers at the ports that their fronts pass on: whether they listen, and which ports speak HTTP. */
export function probe(services: readonly string[]): Step[] {
  return services.map((service) => ({ verb: "probe", service }));
}

/** Replaces the only slot of a service with the rollout `hold`, then waits until it is healthy. */
export function replaceSlot(service: string, facts: StepFacts): Step[] {
  return [{ verb: "recreate", slotOf: service }, healthySlot(service, "slot", facts), ...probe([service])];
}

/**
 * Replaces a service while its requests wait.
 *
 * @param before its other slots, which must be gone before the new container starts
 */
export function hold(service: string, before: readonly string[], facts: StepFacts): Step[] {
  const limit = Math.min(drainOf(service, facts), facts.config.services[service]?.holdLimit ?? holdLimit);
  return [
    { verb: "hold", service, within: seconds(limit), ...goodbyeOf(service, facts) },
    ...remove(before),
    ...replaceSlot(service, facts),
    { verb: "open", service },
  ];
}

/** Brings up the fronts of services. Each new front points at the slot that is healthy now. */
export function startFronts(services: readonly string[]): Step[] {
  return unlessEmpty("front", services);
}

/** Brings up new fronts beside the existing ones. */
export function join(services: readonly string[]): Step[] {
  return unlessEmpty("join", services);
}

/** Removes old fronts that new ones have joined. */
export function leave(services: readonly string[], facts: Pick<StepFacts, "config">): Step[] {
  const groups = Map.groupBy(services, (service) => seconds(drainOf(service, facts)));
  return [...groups].map(([limit, leaving]) => ({ verb: "leave", services: leaving, within: limit }));
}

export function switchOver(service: string): Step {
  return { verb: "switch", service };
}

/** Retires the old slots of services that have switched: their clients leave, and they stop. */
export function retire(services: readonly string[], facts: StepFacts): Step[] {
  if (services.length === 0) return [];
  return [
    ...services.flatMap((service): Step[] => {
      const { goodbye } = goodbyeOf(service, facts);
      return goodbye === undefined ? [] : [{ verb: "signal", service, goodbye }];
    }),
    ...services.map((service): Step => ({ verb: "drain", service, within: seconds(drainOf(service, facts)) })),
    { verb: "stop", services },
  ];
}

/** How a service learns that its clients should go elsewhere; nothing if it has no such signal. */
function goodbyeOf(service: string, { config }: StepFacts): { goodbye?: Goodbye } {
  const { signal, wait } = config.services[service]?.drainSignal ?? {};
  return signal === undefined || wait === undefined ? {} : { goodbye: { wait: seconds(wait), ...signal } };
}

export function remove(services: readonly string[]): Step[] {
  return unlessEmpty("remove", services);
}

export function task(name: string, { rendered }: StepFacts): Step {
  const { timeout = 0, hasUndo = false } = rendered.tasks[name] ?? {};
  return { verb: "task", name, within: seconds(timeout), hasUndo };
}

/** A hook of the team's own, if the release has it. */
export function hook(name: HostHookName, { config }: StepFacts): Step[] {
  return config.hooks?.host[name] === undefined ? [] : [{ verb: "hook", name, within: hookLimit }];
}

/** Checks what reaches what before anything is changed. */
export function look({ rendered }: Pick<StepFacts, "rendered">): Step[] {
  return rendered.reach.length === 0 ? [] : [{ verb: "look" }];
}

/** Checks it again, and also whether new containers have crashed since. A release that does not serve is undone. */
export function reach(facts: StepFacts): Step {
  const { rendered } = facts;
  const longest = Math.max(0, ...Object.keys(rendered.services).map((service) => healthLimit(service, facts)));
  return { verb: "reach", within: seconds(longest), targets: rendered.reach };
}

/** Checks again whether anybody wrote to the folders that the release leaves behind. */
export function unwritten(folders: readonly string[]): Step[] {
  return folders.length === 0 ? [] : [{ verb: "unwritten", folders }];
}

/** Records what was left behind on purpose. */
export function abandon(folders: readonly string[]): Step[] {
  return folders.length === 0 ? [] : [{ verb: "abandon", folders }];
}

export function prune({ keepReleases = defaultKeptReleases }: CommonConfig): Step {
  return { verb: "prune", releases: keepReleases };
}

function unlessEmpty(verb: "name" | "front" | "join" | "remove", services: readonly string[]): Step[] {
  return services.length === 0 ? [] : [{ verb, services }];
}

function healthySlot(service: string, part: "idle" | "slot", facts: StepFacts): StepOf<"healthy"> {
  const { fronts, services, model } = facts.rendered;
  const { slots: [slot = "slot"] = [], ports: [port] = [] } = fronts[service] ?? {};
  return {
    verb: "healthy",
    service,
    part,
    within: within(service, facts),
    settled: settleSeconds,
    instances: replicas(model.services[slotName(service, slot)] ?? {}),
    ...(services[service]?.checked === false && port !== undefined ? { port: port.port } : {}),
  };
}

function within(service: string, facts: StepFacts): number {
  return seconds(healthLimit(service, facts));
}

function drainOf(service: string, { config }: Pick<StepFacts, "config">): number {
  return config.services[service]?.drain ?? drainLimit;
}

function seconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}
