import type { Config, HostHookName } from "../../config/schema/config.ts";
import { drainLimit, holdLimit } from "../../fronts/front-settings.ts";
import { slotName } from "../../fronts/fronts.ts";
import { isOptional } from "../../services/one-shots.ts";
import { replicas } from "../../compose/model.ts";
import type { Rendered } from "../../release/rendered.ts";
import { healthLimit } from "./health-limit.ts";
import type { Step } from "./plan.ts";

/** How long a one-shot may take, in milliseconds, unless the configuration says otherwise. */
const endsWithin = 600_000;

/** How long a container without a health check must run without a restart to count as up, in seconds. */
export const settleSeconds = 2;

/** How many releases a host keeps, images included, unless the configuration says otherwise. */
const keptReleases = 5;

/** Settings that concern all services. */
type CommonConfig = Partial<Pick<Config, "hooks" | "keepReleases">>;

/** The facts that steps are made from. */
export interface StepFacts {
  config: Pick<Config, "services"> & CommonConfig;
  rendered: Rendered;
}

export function pull(images: Iterable<string>): Step[] {
  const all = [...new Set(images)].filter((image) => image !== "").toSorted();
  return all.length === 0 ? [] : [{ verb: "pull", args: all, title: `pull ${countNoun(all.length, "image")}` }];
}

/** Replaces services in place, then waits until they are healthy. */
export function replace(services: readonly string[], facts: StepFacts): Step[] {
  if (services.length === 0) return [];
  return [
    { verb: "recreate", args: [...services], title: `replace ${few(services)}` },
    ...services.map((service) => ({
      verb: "healthy",
      args: [service, within(service, facts), String(settleSeconds)],
      title: `${service} is healthy`,
    })),
  ];
}

/** Runs one-shots to completion. */
export function once(services: readonly string[], { rendered: { model }, config }: StepFacts): Step[] {
  return services.map((service) => ({
    verb: "once",
    args: [
      service,
      seconds(config.services[service]?.healthyWithin ?? endsWithin),
      ...(isOptional(service, model.services) ? ["optional"] : []),
    ],
    title: `run ${service} to its end`,
  }));
}

/** Renames containers of services so that their numbers start at 1, and others find the first one by its name. */
export function nameFirst(services: readonly string[]): Step[] {
  return services.length === 0 ? [] : [{ verb: "name", args: [...services], title: `the names of ${few(services)}` }];
}

/** Starts the idle slots of services, then waits until they are healthy. */
export function start(services: readonly string[], facts: StepFacts): Step[] {
  if (services.length === 0) return [];
  return [
    { verb: "start", args: [...services], title: `start the new ${few(services)}` },
    ...services.map((service) => ({
      verb: "healthy",
      args: [`${service}@idle`, ...patience(service, facts)],
      title: `the new ${service} is healthy`,
    })),
    ...probe(services),
  ];
}

/** Probes healthy containers at the ports that their fronts pass on: whether they listen, and which ports speak HTTP. */
export function probe(services: readonly string[]): Step[] {
  return services.map((service) => ({ verb: "probe", args: [service], title: `see what ${service} answers` }));
}

/** Replaces the only slot of a service with the rollout `hold`, then waits until it is healthy. */
export function replaceSlot(service: string, facts: StepFacts): Step[] {
  const slot = slotName(service, "slot");
  return [
    { verb: "recreate", args: [slot], title: `replace ${service}` },
    { verb: "healthy", args: [slot, ...patience(service, facts)], title: `the new ${service} is healthy` },
    ...probe([service]),
  ];
}

/**
 * Replaces a service while its requests wait.
 *
 * @param before its other slots, which must be gone before the new container starts
 */
export function hold(service: string, before: readonly string[], facts: StepFacts): Step[] {
  const limit = Math.min(drainOf(service, facts), facts.config.services[service]?.holdLimit ?? holdLimit);
  return [
    { verb: "hold", args: [service, seconds(limit), ...farewell(service, facts)], title: `let requests to ${service} wait` },
    ...remove(before),
    ...replaceSlot(service, facts),
    { verb: "open", args: [service], title: `let requests to ${service} through` },
  ];
}

/** Brings up the fronts of services. Each new front points at the slot that is healthy now. */
export function startFronts(services: readonly string[]): Step[] {
  if (services.length === 0) return [];
  return [{ verb: "front", args: [...services], title: `the front${services.length === 1 ? "" : "s"} of ${few(services)}` }];
}

/** Brings up new fronts beside the existing ones. */
export function join(services: readonly string[]): Step[] {
  if (services.length === 0) return [];
  const [fronts, old] = services.length === 1 ? ["a new front", "the old one"] : ["new fronts", "the old ones"];
  return [{ verb: "join", args: [...services], title: `${fronts} of ${few(services)} beside ${old}` }];
}

/** Removes old fronts that new ones have joined. */
export function leave(services: readonly string[], facts: Pick<StepFacts, "config">): Step[] {
  return [...Map.groupBy(services, (service) => seconds(drainOf(service, facts)))].map(([limit, leaving]) => ({
    verb: "leave",
    args: [limit, ...leaving],
    title: `remove the old front${leaving.length === 1 ? "" : "s"} of ${few(leaving)}`,
  }));
}

export function switchOver(service: string): Step {
  return { verb: "switch", args: [service], title: `switch ${service}` };
}

/** Retires the old slots of services that have switched: their clients leave, and they stop. */
export function retire(services: readonly string[], facts: StepFacts): Step[] {
  if (services.length === 0) return [];
  const signals = services.flatMap((service) => {
    const words = farewell(service, facts);
    return words.length === 0
      ? []
      : [{ verb: "signal", args: [`${service}@was`, ...words], title: `tell the old ${service} to say goodbye` }];
  });
  return [
    ...signals,
    ...services.map((service) => ({ verb: "drain", args: [service, seconds(drainOf(service, facts))], title: `drain the old ${service}` })),
    { verb: "stop", args: services.map((service) => `${service}@was`), title: `stop the old ${few(services)}` },
  ];
}

/**
 * How a service learns that its clients should go elsewhere: how long the clients have to notice, and what is done. Empty if
 * there is no such signal.
 */
function farewell(service: string, { config }: StepFacts): string[] {
  const { signal, wait } = config.services[service]?.drainSignal ?? {};
  if (signal === undefined || wait === undefined) return [];
  return [seconds(wait), ...("file" in signal ? ["file", signal.file] : ["command", ...signal.command])];
}

export function remove(services: readonly string[]): Step[] {
  return services.length === 0 ? [] : [{ verb: "remove", args: [...services], title: `remove ${services.join(", ")}` }];
}

export function task(name: string, { rendered }: StepFacts): Step {
  const { timeout = 0, hasUndo = false } = rendered.tasks[name] ?? {};
  return { verb: "task", args: [name, seconds(timeout), ...(hasUndo ? ["undo"] : [])], title: `task ${name}` };
}

/** How long a hook may take on a host, in seconds. */
const hookLimit = 600;

/** A hook of the team's own, if the release has it. */
export function hook(name: HostHookName, { config }: StepFacts): Step[] {
  if (config.hooks?.host[name] === undefined) return [];
  return [{ verb: "hook", args: [name, String(hookLimit)], title: `hook ${name}` }];
}

/** Checks what reaches what before anything is changed. */
export function look({ rendered }: Pick<StepFacts, "rendered">): Step[] {
  return rendered.reach.length === 0 ? [] : [{ verb: "look", args: [], title: "look at what is reached now" }];
}

/** Checks it again, and also whether new containers have crashed since. A release that does not serve is undone. */
export function reach(facts: StepFacts): Step[] {
  const { rendered } = facts;
  const longest = Math.max(0, ...Object.keys(rendered.services).map((service) => healthLimit(service, facts)));
  return [{ verb: "reach", args: [seconds(longest), ...rendered.reach], title: "check that everything is reached" }];
}

export const commit: Step = { verb: "commit", args: [], title: "commit the release" };

/** Checks again whether anybody wrote to the folders that the release leaves behind. */
export function unwritten(words: readonly string[]): Step[] {
  if (words.length === 0) return [];
  return [{ verb: "unwritten", args: [...words], title: "check that nothing was written to what is left behind" }];
}

/** Records what was left behind on purpose. */
export function abandon(folders: readonly string[]): Step[] {
  return folders.length === 0 ? [] : [{ verb: "abandon", args: [...folders], title: "note what is left behind" }];
}

export function prune({ keepReleases = keptReleases }: CommonConfig): Step {
  return { verb: "prune", args: [String(keepReleases)], title: `keep ${countNoun(keepReleases, "release")}` };
}

export function expectRelease(release: string): Step {
  return { verb: "expect", args: [release], title: "check that nothing else was deployed meanwhile" };
}

/**
 * The arguments of `healthy` for a slot: how long it may take, how long it must run to count as up, how many containers there
 * must be, and the port to connect to if there is no health check.
 */
function patience(service: string, facts: StepFacts): string[] {
  const { fronts, services, model } = facts.rendered;
  const { slots: [slot = "slot"] = [], ports: [port] = [] } = fronts[service] ?? {};
  const instances = replicas(model.services[slotName(service, slot)] ?? {});
  const connect = services[service]?.checked === false && port !== undefined ? [String(port.port)] : [];
  return [within(service, facts), String(settleSeconds), String(instances), ...connect];
}

function within(service: string, facts: StepFacts): string {
  return seconds(healthLimit(service, facts));
}

function drainOf(service: string, { config }: Pick<StepFacts, "config">): number {
  return config.services[service]?.drain ?? drainLimit;
}

function seconds(milliseconds: number): string {
  return String(Math.max(1, Math.ceil(milliseconds / 1000)));
}

export function few(services: readonly string[]): string {
  return services.length > 3 ? countNoun(services.length, "service") : services.join(", ");
}

export function countNoun(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
