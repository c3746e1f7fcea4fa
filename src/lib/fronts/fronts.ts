import { ColdtivateError } from "../errors.ts";
import { discoveryOf, hidden, isDiscovered } from "../compose/discovery-labels.ts";
import {
  defaultContainerName,
  replicas,
  type ComposeAttachment,
  type ComposeDependency,
  type ComposeModel,
  type ComposePort,
  type ComposeService,
} from "../compose/model.ts";
import { isTcp } from "../services/ports.ts";
import { mapValues } from "../common/plain.ts";
import type { ServiceRollout } from "./rollout.ts";

/** A slot of a service. `blue` and `green` take turns. A service that holds has a single slot, named `slot`. */
export type Slot = (typeof allSlots)[number];

export const allSlots = ["blue", "green", "slot"] as const;

/** The image and limits of a front. */
export interface FrontImage {
  /** As configured. */
  reference: string;
  /** As it runs. */
  image: string;
  /** The memory that it may use, as Compose writes it; absent for no limit. */
  memory?: string | undefined;
  /** The number of containers of the service whose names it has; 1 if absent. */
  names?: number | undefined;
}

export function isSlot(word: string | undefined): word is Slot {
  return allSlots.some((slot) => slot === word);
}

/** The slots that a rollout needs; none without a front. */
export function slotsOf({ rollout }: Pick<ServiceRollout, "rollout">): Slot[] {
  if (rollout === "recreate" || rollout === "once") return [];
  return rollout === "hold" ? ["slot"] : ["blue", "green"];
}

/** The Compose service of a slot, and so its host name: `web-blue`. */
export function slotName(service: string, slot: Slot): string {
  return `${service}-${slot}`;
}

/**
 * The front of a service. It has everything that others use to reach the service, and nothing that a release changes.
 *
 * @param directory with its configuration on the host, absolute
 * @param aliases further names of it, which must also lead to its successor
 */
export function frontService(
  service: ComposeService,
  settings: Pick<FrontImage, "image" | "memory">,
  directory: string,
  aliases: readonly string[],
): ComposeService {
  const { container_name, mac_address, networks, ports: published, profiles } = service;
  const { labels, environment } = discoveryOf(service);
  return {
    image: settings.image,
    command: ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"],
    restart: "always",
    stop_signal: "SIGUSR1",
    volumes: [{ type: "bind", source: directory, target: "/usr/local/etc/haproxy", read_only: true }],
    ...(settings.memory === undefined ? {} : { mem_limit: settings.memory }),
    ...(container_name === undefined ? {} : { container_name }),
    ...(mac_address === undefined ? {} : { mac_address }),
    ...(networks === undefined ? {} : { networks: mapValues(networks, (attachment) => alsoNamed(aliases, attachment)) }),
    ...(published === undefined ? {} : { ports: frontPorts(service) }),
    ...(profiles === undefined ? {} : { profiles }),
    ...(isDiscovered(service) ? { expose: exposedPorts(service) } : {}),
    ...(Object.keys(environment).length > 0 ? { environment } : {}),
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
  };
}

/**
 * The further names by which others find a service: the names that Compose gives to its containers, which links use, and the
 * containers' own host name, which the engine also resolves.
 *
 * @param count how many containers it has names for
 */
export function frontAliases(name: string, { container_name, hostname }: ComposeService, project: string, count = 1): string[] {
  const numbered =
    container_name === undefined ? Array.from({ length: count }, (_, index) => defaultContainerName(project, name, index + 1)) : [];
  return [...numbered, ...(hostname === undefined || hostname === name ? [] : [hostname])];
}

/** The ports that a front publishes. From a range, it takes as many as the service has containers, because each would take one. */
export function frontPorts(service: ComposeService): ComposePort[] {
  return (service.ports ?? []).flatMap((port) => spread(port, replicas(service)));
}

function spread(port: ComposePort, count: number): ComposePort[] {
  const [, from, to] = /^(\d+)-(\d+)$/.exec(port.published ?? "") ?? [];
  if (from === undefined || count < 2) return [port];
  const size = Math.min(count, Number(to) - Number(from) + 1);
  return Array.from({ length: Math.max(1, size) }, (_, index) => ({ ...port, published: String(Number(from) + index) }));
}

function alsoNamed(names: readonly string[], attachment: ComposeAttachment | null): ComposeAttachment | null {
  if (names.length === 0) return attachment;
  return { ...attachment, aliases: [...new Set([...(attachment?.aliases ?? []), ...names])] };
}

/** The ports that a container exposes. Programs that discover it ask the lowest one, unless they are told another. */
function exposedPorts({ expose = [], ports = [] }: ComposeService): string[] {
  const published = ports.filter(isTcp).map(({ target }) => String(target));
  return [...new Set([...expose, ...published].map((port) => port.replace(/\/tcp$/, "")))];
}

/**
 * Settings that only one container can have at a time, for people. If a front has none of them, its successor can run beside it.
 */
export function exclusiveParts({ container_name, mac_address, networks, ports }: ComposeService): string[] {
  const published = [...new Set((ports ?? []).map((port) => port.published ?? `${port.target}`))];
  const isFixed = Object.values(networks ?? {}).some(
    (attachment) =>
      attachment !== null &&
      [attachment.ipv4_address, attachment.ipv6_address, attachment.link_local_ips, attachment.mac_address].some(
        (own) => own !== undefined,
      ),
  );
  return [
    ...(published.length > 0 ? [`published port${published.length === 1 ? "" : "s"} ${published.join(", ")}`] : []),
    ...(container_name === undefined ? [] : [`container_name ${container_name}`]),
    ...(isFixed || mac_address !== undefined ? ["fixed addresses"] : []),
  ];
}

/**
 * A service as both of its slots have it: without anything that only one container can have. Its front has that instead. This
 * includes the host name, because the engine resolves it, too.
 */
export function slotService(service: ComposeService): ComposeService {
  const { container_name: _name, hostname: _hostname, ports: _ports, mac_address: _mac, networks, deploy, ...rest } = service;
  const { restart_policy: _policy, ...deployed } = deploy ?? {};
  return {
    ...rest,
    ...hidden(rest),
    ...(deploy === undefined || Object.keys(deployed).length === 0 ? {} : { deploy: deployed }),
    ...(networks === undefined ? {} : { networks: mapValues(networks, looseAttachment) }),
    // Only with this policy do containers that served before a crash of the daemon serve after it.
    restart: "always",
  };
}

/**
 * Makes these names resolve to the slot itself. Its health check uses them, and the front that owns them points at the other
 * slot.
 */
export function asItself(service: ComposeService, names: readonly string[]): ComposeService {
  if (names.length === 0) return service;
  const { extra_hosts: hosts } = service;
  const own = names.map((name) => `${name}=127.0.0.1`);
  if (typeof hosts !== "object" || hosts === null || Array.isArray(hosts)) return { ...service, extra_hosts: [...(hosts ?? []), ...own] };
  return { ...service, extra_hosts: { ...hosts, ...Object.fromEntries(names.map((name) => [name, "127.0.0.1"])) } };
}

/**
 * Gives a slot its name and addresses.
 * @param addresses its own, by network
 */
export function namedSlot(service: ComposeService, slot: Slot, addresses: Readonly<Record<string, string>> = {}): ComposeService {
  const named = { ...service, environment: { ...service.environment, COLDTIVATE_SLOT: slot } };
  if (Object.keys(addresses).length === 0) return named;
  const networks = mapValues(service.networks ?? {}, (attachment, network) => {
    const address = addresses[network];
    return address === undefined ? attachment : { ...attachment, ipv4_address: address };
  });
  return { ...named, networks };
}

/** The settings that moved from a service to its front, for people. */
export function movedParts(service: ComposeService): string[] {
  const attachments = Object.values(service.networks ?? {}).filter((attachment) => attachment !== null);
  const isStatic = attachments.some(({ ipv4_address, ipv6_address }) => ipv4_address !== undefined || ipv6_address !== undefined);
  return [
    ...((service.ports ?? []).length > 0 ? ["published ports"] : []),
    ...(service.container_name === undefined ? [] : [`container_name ${service.container_name}`]),
    ...(service.hostname === undefined ? [] : [`hostname ${service.hostname}`]),
    ...(isStatic ? ["static addresses"] : []),
    ...(attachments.some(({ aliases }) => (aliases ?? []).length > 0) ? ["network aliases"] : []),
    ...(isDiscovered(service) ? ["labels and variables by which other programs find it"] : []),
  ];
}

/**
 * Relaxes dependencies on services with fronts to start order only. Compose turns links into dependencies, too, unless they are
 * written.
 *
 * @param isFronted whether a service has a front: nothing can wait for its health, and it is never restarted
 */
export function relaxDependencies(service: ComposeService, isFronted: (service: string) => boolean): ComposeService {
  if (service.depends_on === undefined) return service;
  return {
    ...service,
    depends_on: mapValues(service.depends_on, (dependency, name) => (isFronted(name) ? relax(dependency) : dependency)),
  };
}

function relax({ required }: ComposeDependency): ComposeDependency {
  return { condition: "service_started", ...(required === undefined ? {} : { required }) };
}

/**
 * Checks the names of slots. They are services and host names, so nothing else may have them.
 * @throws ColdtivateError SLOT_NAME_TAKEN
 */
export function checkSlotNames(model: ComposeModel, rollouts: ReadonlyMap<string, ServiceRollout>): void {
  const taken = new Set(
    Object.entries(model.services).flatMap(([name, { container_name: own, networks }]) => [
      name,
      ...(own === undefined ? [] : [own]),
      ...Object.values(networks ?? {}).flatMap((attachment) => attachment?.aliases ?? []),
    ]),
  );
  const clashes = [...rollouts].flatMap(([service, rollout]) =>
    slotsOf(rollout)
      .map((slot) => slotName(service, slot))
      .filter((name) => taken.has(name))
      .map((name) => `${name} is the name of one of ${service}'s slots`),
  );
  if (clashes.length === 0) return;
  throw new ColdtivateError("names in the Compose files are needed for slots", {
    code: "SLOT_NAME_TAKEN",
    exit: "usage",
    details: clashes,
    hint: "Rename that service, container or alias, or set `rollout: recreate` for the other service.",
  });
}

function looseAttachment(attachment: ComposeAttachment | null): ComposeAttachment | null {
  if (attachment === null) return null;
  const { aliases: _aliases, ipv4_address: _ipv4, ipv6_address: _ipv6, link_local_ips: _local, mac_address: _mac, ...rest } = attachment;
  return Object.keys(rest).length === 0 ? null : rest;
}
