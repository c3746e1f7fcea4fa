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
  service: string;
  container?: string;
  /** `running`, `exited`, … or `missing`. */
  state: string;
  /** `healthy`, `unhealthy`, `starting`; absent without a health check. */
  health?: string;
  /** As Docker says it: `Up 3 minutes (healthy)`. */
  status: string;
  image: string;
  /** The commit that the image is labelled with: the last one that touched its sources. */
  commit?: string;
  /** Whether the container was made from the definition of the release that serves. */
  current: boolean;
}

/** What Docker's list says of a container. */
export interface ListedContainer {
  name: string;
  labels: Readonly<Record<string, string>>;
  state: string;
  status: string;
  image: string;
}

/** Whether a host's services are all there, up and of its release. */
export function isWell(host: HostStatus): boolean {
  return host.services.every(({ state, health, current }) => state === "running" && (health ?? "healthy") === "healthy" && current);
}

/** Sets what runs against the release's manifest: services without a container are missing, others are extra. */
export function compareStatus(manifest: Manifest | undefined, containers: readonly ListedContainer[]): ServiceStatus[] {
  const listed = containers
    .filter(({ labels }) => labels["com.docker.compose.oneoff"] !== "True")
    .map((container): ServiceStatus => {
      const service = container.labels["com.docker.compose.service"] ?? container.name;
      const health = /\((healthy|unhealthy)\)|\(health: (starting)\)/.exec(container.status);
      const known = manifest?.services[service];
      const commit = container.labels["org.opencontainers.image.revision"];
      return {
        service,
        container: container.name,
        state: container.state,
        ...(health === null ? {} : { health: health[1] ?? health[2] ?? "" }),
        status: container.status,
        image: container.image,
        ...(commit === undefined ? {} : { commit }),
        current: known !== undefined && known.definition === container.labels["coldtivate.definition"],
      };
    });
  const missing = Object.entries(manifest?.services ?? {})
    .filter(([service]) => !listed.some((container) => container.service === service))
    .map(([service, { image }]): ServiceStatus => ({ service, state: "missing", status: "no container", image, current: false }));
  return [...listed, ...missing].toSorted((a, b) => (`${a.service} ${a.container}` < `${b.service} ${b.container}` ? -1 : 1));
}
