import type { Rollout, ServiceConfig } from "../config/schema/config.ts";
import { ColdtivateError } from "../errors.ts";
import { runsWith } from "../services/command-words.ts";
import { literal, ownNames } from "../services/health-check.ts";
import type { ImageFacts } from "../services/image-facts.ts";
import { isFoundByUdp } from "../compose/discovery-labels.ts";
import type { ComposeModel, ComposeMount, ComposeService } from "../compose/model.ts";
import type { MentionedPort } from "../services/mentioned-ports.ts";
import { isMapping } from "../common/plain.ts";
import { findOneShots } from "../services/one-shots.ts";
import { exposedOtherwise, findPorts, otherPorts, type FrontPort, type KnownPorts } from "../services/ports.ts";
import { sharedBy } from "../compose/sharing.ts";
import { findSingleton, maybeSingleton } from "../services/singletons.ts";
import { findStateful } from "../services/stateful.ts";
import { coordinatedFolders, writableState } from "../services/writable.ts";

/** How a new version of a service takes over. */
export interface ServiceRollout {
  rollout: Rollout;
  /** Why, in the user's words. */
  reason: string;
  /** The ports that its front listens on; empty without a front. */
  ports: FrontPort[];
  /** Whether it is a stateful program, such as a database, which needs time to stop. */
  isStateful?: boolean;
}

/** Whether a service with this rollout has a front. */
export function hasFront({ rollout }: Pick<ServiceRollout, "rollout">): boolean {
  return rollout === "blue-green" || rollout === "hold";
}

export interface RolloutInput {
  /** With sources at their places on the host. */
  model: ComposeModel;
  /** The services that are part of the release. */
  names: readonly string[];
  config: Readonly<Record<string, ServiceConfig>>;
  /** Whether the project builds the service's image. */
  isBuilt: (service: string) => boolean;
  /** What a service's image declares about itself, if known. */
  factsOf?: (service: string) => ImageFacts | undefined;
  /** The references of images that a service's own image is built from. */
  basesOf?: (service: string) => readonly string[];
  /** Whether a mount is content of the commit that no container is expected to write to. */
  isContent: (mount: ComposeMount) => boolean;
  /** The ports of others that services are told to ask. */
  mentions?: readonly MentionedPort[];
}

/**
 * Decides how each service is rolled out:
 *
 * - A configured rollout counts.
 * - Services with state that two containers would share, and services that act on their own, never run twice at once.
 * - Of the others, those that the project builds and that can be reached run in slots.
 * @throws ColdtivateError ROLLOUT_IMPOSSIBLE that names every service whose configured rollout is impossible
 */
export function inferRollouts(input: RolloutInput): Map<string, ServiceRollout> {
  const rollouts = new Map<string, ServiceRollout>();
  const impossible: string[] = [];
  const oneShots = findOneShots(input.model, input.names, input.config);
  for (const name of input.names) {
    const once = oneShots.get(name);
    if (once !== undefined) {
      rollouts.set(name, { rollout: "once", reason: once, ports: [] });
      continue;
    }
    const service = input.model.services[name] ?? {};
    const config = input.config[name] ?? {};
    const known = findPorts(service, config, input.factsOf?.(name), name);
    const obstacle = obstacleToFront(name, service, input.model) ?? ownAddress(name, service, input.factsOf?.(name));
    const stateful = findStateful({
      name,
      service,
      isBuilt: input.isBuilt(name),
      facts: input.factsOf?.(name),
      bases: input.basesOf?.(name) ?? [],
    });
    const isStateful = stateful !== undefined;
    if (config.rollout !== undefined) {
      const cause = obstacle ?? (known.ports.length === 0 ? known.reason : undefined);
      const isFronted = config.rollout !== "recreate";
      if (isFronted && cause !== undefined) impossible.push(`${name} cannot be rolled out ${config.rollout}: ${cause}`);
      const reason = isFronted ? `set in coldtivate.yml; ${known.reason}` : "set in coldtivate.yml";
      rollouts.set(name, { rollout: config.rollout, reason, ports: isFronted ? known.ports : [], isStateful });
      continue;
    }
    const doubt = obstacle ?? doubtOfFront(name, service, input);
    const { rollout, reason } = inferRollout({ name, service, known, obstacle: doubt, stateful }, input);
    rollouts.set(name, { rollout, reason, ports: rollout === "recreate" ? [] : known.ports, isStateful });
  }
  if (impossible.length === 0) return rollouts;
  throw new ColdtivateError("services cannot be rolled out as coldtivate.yml says", {
    code: "ROLLOUT_IMPOSSIBLE",
    exit: "usage",
    details: impossible,
    hint: "Set `rollout: recreate` for them, or remove the cause; a port that is not known can be set as `port`.",
  });
}

/** Whether a release may need the image of the fronts. This is asked before the model's files have their places on the host. */
export function needsFronts(input: Omit<RolloutInput, "isContent">): boolean {
  return [...inferRollouts({ ...input, isContent: () => true }).values()].some(hasFront);
}

interface Candidate {
  name: string;
  service: ComposeService;
  known: KnownPorts;
  /** Why it cannot have a front. */
  obstacle: string | undefined;
  /** The stateful program that it is. */
  stateful: string | undefined;
}

type Inferred = Omit<ServiceRollout, "ports" | "isStateful">;

const recreate = (reason: string): Inferred => ({ rollout: "recreate", reason });

function inferRollout(candidate: Candidate, input: RolloutInput): Inferred {
  const { name, service, known, obstacle, stateful } = candidate;
  const isBuilt = input.isBuilt(name);
  const facts = input.factsOf?.(name);
  if (stateful !== undefined) return recreate(`${stateful}: never two at once`);
  if (obstacle !== undefined) return recreate(obstacle);
  const order = updateOrder(service);
  const wait = (reason: string): Inferred => ({ rollout: "hold", reason: `${known.reason}; ${reason}` });
  if (order === "stop-first") {
    return known.ports.length > 0
      ? wait("requests wait, because update_config.order is stop-first")
      : recreate("update_config.order is stop-first");
  }
  const single = findSingleton(name, service, facts);
  if (single !== undefined) {
    const isPublished = (service.ports ?? []).length > 0 && single.includes("by its name");
    return isPublished ? wait(`requests wait, because it is ${single}`) : recreate(single);
  }
  if (known.ports.length === 0) return recreate(unknownPort(candidate, input.model));
  const state = writableState({ service, model: input.model, facts, factsOf: input.factsOf, isContent: input.isContent });
  const writes = `two would write to ${listed(state)}`;
  const isAsked = order === "start-first" && state.length === 0;
  if (!isBuilt && !isAsked) {
    const isHttp = known.ports.some(({ mode }) => mode === "http");
    const why = state.length > 0 ? writes : "the project does not build its image";
    if (isHttp) return wait(`requests wait, because ${why}; rollout: blue-green if two may run at once`);
    return recreate(`${why}; ${known.reason}: rollout: hold if its requests can wait`);
  }
  if (state.length > 0) return wait(`requests wait, because ${writes}; rollout: blue-green if they may`);
  const either = maybeSingleton(name);
  if (either !== undefined)
    return wait(`requests wait, because it may be ${either}, what works of its own accord; rollout: blue-green if two may run at once`);
  const shared = coordinatedFolders({ service, facts });
  const reasons = [
    known.reason,
    ...(isAsked && !isBuilt ? ["update_config.order is start-first"] : []),
    ...(shared.length > 0 ? [`Caddy shares ${listed(shared)} between two`] : []),
  ];
  return { rollout: "blue-green", reason: reasons.join("; ") };
}

/** Why a service cannot have a front; undefined if it can. */
function obstacleToFront(name: string, service: ComposeService, model: ComposeModel): string | undefined {
  if (service.network_mode !== undefined) return `network_mode ${service.network_mode}: no front possible`;
  const own = [service.ipc, service.pid, service["cgroup"], service["uts"]].find(
    (space) => typeof space === "string" && /^(?:service|container):/.test(space),
  );
  if (typeof own === "string") return `it shares the container of ${own.replace(/^[^:]*:/, "")}: no front possible`;
  const host = Object.keys(service.networks ?? {}).find((network) => isHostNetwork(network, model));
  if (host !== undefined) return `its network ${host} is the host's own: no front possible`;
  const [published] = otherPorts(service);
  if (published !== undefined) return `published ${spoken(published)}: a front passes only TCP on`;
  if (isFoundByUdp(service)) return "Traefik routes UDP to it: a front passes only TCP on";
  const sharer = Object.entries(model.services).find(([other, candidate]) => other !== name && sharedBy(candidate).includes(name));
  return sharer === undefined ? undefined : `${sharer[0]} shares its container: no front possible`;
}

/** Why a front would probably hide something that others use. coldtivate.yml may ask for a front all the same. */
function doubtOfFront(name: string, service: ComposeService, { model, factsOf, mentions = [] }: RolloutInput): string | undefined {
  const only = "a front passes only TCP on";
  const [exposed] = exposedOtherwise(service);
  if (exposed !== undefined) return `exposed ${spoken(exposed)}: ${only}`;
  const [own] = exposedOtherwise(service, factsOf?.(name));
  if (own !== undefined) return `its image exposes ${spoken(own)}: ${only}`;
  const asked = mentions.find(({ to, isOther }) => to === name && isOther === true);
  if (asked !== undefined) return `${asked.from} asks it at UDP port ${asked.port}: ${only}`;
  const addresses = new Set(
    Object.values(service.networks ?? {}).flatMap((each) => [each?.ipv4_address ?? [], each?.ipv6_address ?? []].flat()),
  );
  const asking = Object.entries(model.services).find(([, { dns }]) =>
    (Array.isArray(dns) ? dns : [dns]).some((each) => addresses.has(each)),
  );
  if (asking !== undefined) return `${asking[0]} asks it for names, over UDP: ${only}`;
  const lan = Object.keys(service.networks ?? {}).find((network) => isLan(model.networks?.[network]));
  // There, slots would take addresses that nobody assigned to them.
  return lan === undefined ? undefined : `its network ${lan} is that of other machines, which know it by its address`;
}

/** A port for messages: `53/udp` is `UDP port 53`. */
function spoken(port: string): string {
  const [number, protocol = ""] = port.split("/");
  return `${protocol.toUpperCase()} port ${number}`;
}

function isHostNetwork(network: string, { networks }: ComposeModel): boolean {
  const defined = networks?.[network];
  return isMapping(defined) && defined["external"] === true && /^(?:host|none|bridge)$/.test(textOf(defined["name"]) ?? network);
}

function isLan(defined: unknown): boolean {
  return isMapping(defined) && /^(?:macvlan|ipvlan)$/.test(textOf(defined["driver"]) ?? "");
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The obstacle that a server listens at a name of its own: with a front, that name and its address are the front's. */
function ownAddress(name: string, service: ComposeService, facts: ImageFacts | undefined): string | undefined {
  const { text } = runsWith(service, facts);
  const own = ownNames(name, service).find((each) =>
    new RegExp(`(?:^|\\s)(?:-b|-H|--bind|--host|--listen|--address)[ =](?:[a-z]+://)?${literal(each)}(?=[:\\s]|$)`).test(text),
  );
  return own === undefined ? undefined : `its command listens at ${own}, by which its front would be found`;
}

/** The update order in the Compose file, as Swarm uses it. */
function updateOrder({ deploy }: ComposeService): string | undefined {
  const settings = deploy?.["update_config"];
  if (typeof settings !== "object" || settings === null || !("order" in settings)) return undefined;
  return typeof settings.order === "string" ? settings.order : undefined;
}

/** The reason that no port is known, with what to do if others seem to use the service. */
function unknownPort({ name, known }: Candidate, model: ComposeModel): string {
  const asking = Object.entries(model.services).find(([other, service]) => other !== name && asksFor(service, name));
  const hint = known.hint ?? (asking === undefined ? undefined : `${asking[0]} asks for it`);
  return hint === undefined ? known.reason : `${known.reason}, but ${hint}: set services.${name}.port to replace it without a gap`;
}

/** Whether a service links to another one, or has its address among its settings. */
function asksFor({ links, environment, command }: ComposeService, name: string): boolean {
  if ((links ?? []).some((link) => link.split(":", 1)[0] === name)) return true;
  const address = new RegExp(`(?:^|[/@\\s,=])${literal(name)}:\\d{2,5}\\b`);
  return [...Object.values(environment ?? {}), ...(command ?? [])].some((text) => text !== null && address.test(text));
}

function listed(parts: readonly string[]): string {
  return parts.length < 3 ? parts.join(" and ") : `${parts.slice(0, 2).join(", ")} and ${parts.length - 2} more`;
}
