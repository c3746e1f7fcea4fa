import { isSlot, type Slot } from "../fronts/fronts.ts";
import type { Manifest } from "../release/manifest.ts";

/** What a host runs of an environment, as plain data. */
export interface HostStatus {
  host: string;
  release?: ReleaseStatus;
  /** Who deploys right now, or locked it; empty when nobody does. */
  busy: string;
  services: ServiceStatus[];
}

export interface ReleaseStatus {
  id: string;
  commit: string;
  ref?: string;
  /** ISO 8601, UTC: when it took over. */
  since?: string;
}

export interface ServiceStatus {
  /** As the Compose files name it. */
  service: string;
  /** The slot that the container is in, or `front` if it is the service's front; absent for a service without one. */
  slot?: Slot | "front";
  container?: string;
  /** `running`, `exited`, … or `missing`. */
  state: string;
  /** `healthy`, `unhealthy`, `starting`; absent without a health check. */
  health?: string;
  /** As Docker reports it: `Up 3 minutes (healthy)`. */
  status: string;
  image: string;
  /** The commit in the image's label: the last one that touched its sources. */
  commit?: string;
  /** Whether it ran to completion and succeeded, as it should. */
  ended?: true;
  /** Whether the container was made from the definition of the release that serves. */
  current: boolean;
}

/** A container in Docker's list. */
export interface ListedContainer {
  name: string;
  labels: Readonly<Record<string, string>>;
  state: string;
  status: string;
  image: string;
}

/** Whether all hosts serve the same release, or none serves any. */
export function areAlike(hosts: readonly Pick<HostStatus, "release">[]): boolean {
  return new Set(hosts.map(({ release }) => release?.id)).size <= 1;
}

/**
 * Compares the running containers with the release's manifest. Services and fronts without a container are missing; containers
 * that the manifest does not know are extra.
 */
export function compareStatus(manifest: Manifest | undefined, containers: readonly ListedContainer[]): ServiceStatus[] {
  const listed = containers
    .filter(({ labels }) => labels["com.docker.compose.oneoff"] !== "True")
    .map((container) => describe(container, manifest));
  const has = (service: string, isPart: (slot: ServiceStatus["slot"]) => boolean) =>
    listed.some((found) => found.service === service && isPart(found.slot));
  const services = Object.entries(manifest?.services ?? {})
    .filter(([service, { once }]) => once !== true && !has(service, (slot) => slot !== "front"))
    .map(([service, { image }]) => missing(service, image));
  const fronts = Object.entries(manifest?.fronts ?? {})
    .filter(([service]) => !has(service, (slot) => slot === "front"))
    .map(([service, { image }]): ServiceStatus => ({ ...missing(service, image), slot: "front" }));
  return [...listed, ...services, ...fronts].toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

function missing(service: string, image: string): ServiceStatus {
  return { service, state: "missing", status: "no container", image, current: false };
}

function describe(container: ListedContainer, manifest: Manifest | undefined): ServiceStatus {
  const { labels } = container;
  const { service, slot } = partOf(labels["com.docker.compose.service"] ?? container.name, manifest);
  const health = /\((healthy|unhealthy)\)|\(health: (starting)\)/.exec(container.status);
  const known = slot === "front" ? manifest?.fronts[service] : manifest?.services[service];
  const commit = labels["org.opencontainers.image.revision"];
  return {
    service,
    ...(slot === undefined ? {} : { slot }),
    container: container.name,
    state: container.state,
    ...(health === null ? {} : { health: health[1] ?? health[2] ?? "" }),
    status: container.status,
    image: container.image,
    ...(slot === undefined && manifest?.services[service]?.once === true && container.status.startsWith("Exited (0)")
      ? { ended: true }
      : {}),
    ...(commit === undefined ? {} : { commit }),
    current: known !== undefined && known.definition === labels["coldtivate.definition"],
  };
}

/** The service that a Compose service belongs to, and which part of it. */
function partOf(name: string, manifest: Manifest | undefined): Pick<ServiceStatus, "service" | "slot"> {
  if (manifest?.fronts[name] !== undefined) return { service: name, slot: "front" };
  const dash = name.lastIndexOf("-");
  const [service, slot] = [name.slice(0, Math.max(0, dash)), name.slice(dash + 1)];
  return isSlot(slot) && manifest?.fronts[service] !== undefined ? { service, slot } : { service: name };
}

function sortKey({ service, slot, container }: ServiceStatus): string {
  return [service, slot === "front" ? "0" : "1", container ?? ""].join(" ");
}
