import { slotName, type Slot } from "../fronts/fronts.ts";
import type { ObservedContainer } from "../common/observed.ts";
import type { ImageFacts } from "../services/image-facts.ts";
import { replicas, type ComposeModel, type ComposeMount, type ComposeService } from "../compose/model.ts";
import type { Digest } from "../compose/sources.ts";
import { imageVolumes, plainPath } from "../services/writable.ts";

/** By service and target: the volume that replaces one without a name. */
export type VolumeNames = Record<string, Record<string, string>>;

export interface VolumeInput {
  /** Name of the Compose project. */
  project: string;
  /** The services that are part of the release. */
  names: readonly string[];
  factsOf: (service: string) => ImageFacts | undefined;
  /** What the host runs. */
  containers: readonly ObservedContainer[];
  /** By service with a front: the slot that it points at. */
  live: Readonly<Record<string, Slot>>;
  /** Names in the previous release. */
  known: VolumeNames;
  digest: Digest;
}

export interface NamedVolumes extends Pick<ComposeModel, "services" | "volumes"> {
  /** Includes those of services and targets that only the previous release had. */
  names: VolumeNames;
}

/**
 * Gives anonymous volumes a name. Otherwise only Compose could hand them on from a container to the one that replaces it. Running
 * containers keep the volume that they have. If a service has several containers, each has its own volume, and Compose handles
 * them.
 */
export function nameVolumes(model: ComposeModel, input: VolumeInput): NamedVolumes {
  const services = { ...model.services };
  const volumes = { ...model.volumes };
  const names: VolumeNames = {};
  for (const name of input.names) {
    const service = services[name];
    if (service === undefined || replicas(service) !== 1) continue;
    const running = mountedIn(name, input);
    const facts = input.factsOf(name);
    const image = facts === undefined ? unnamedIn(running, service) : imageVolumes(service, facts, model, input.factsOf);
    const nameFor = (target: string): string => {
      const volume = running.get(target) ?? input.known[name]?.[target] ?? ownName(name, target, input);
      const key = keyOf(volume, `${name}_${input.digest(target).slice(0, 8)}`, volumes);
      volumes[key] ??= isOurs(volume, input.project) ? { name: volume } : { name: volume, external: true };
      names[name] = { ...names[name], [target]: volume };
      return key;
    };
    const written = (service.volumes ?? []).map((mount): ComposeMount =>
      mount.type === "volume" && mount.source === undefined ? { ...mount, source: nameFor(plainPath(mount.target)) } : mount,
    );
    const added = image.map((target): ComposeMount => ({ type: "volume", source: nameFor(target), target, volume: {} }));
    if (written.length + added.length > 0) services[name] = { ...service, volumes: [...written, ...added] };
  }
  return { services, ...(Object.keys(volumes).length > 0 ? { volumes } : {}), names: mergeVolumes(names, input.known) };
}

/** Merges a release's names with those of another one for services and targets that it lacks: they may be mounted again. */
export function mergeVolumes(own: VolumeNames, others: VolumeNames): VolumeNames {
  const services = new Set([...Object.keys(others), ...Object.keys(own)]);
  return Object.fromEntries([...services].map((name) => [name, { ...others[name], ...own[name] }]));
}

/** By target: the volumes of a service's container. If there are several containers, the serving one counts. */
function mountedIn(name: string, { containers, live }: VolumeInput): Map<string, string> {
  const slot = live[name];
  const rank = ({ service, status }: ObservedContainer) =>
    (slot !== undefined && service === slotName(name, slot) ? 0 : 2) + (status === "running" ? 0 : 1);
  const own = containers.filter(
    ({ oneOff, service }) => !oneOff && (service === name || (slot !== undefined && service === slotName(name, slot))),
  );
  const sorted = own.toSorted((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name, "en", { numeric: true }));
  const mounts = sorted.flatMap((container) => container.mounts ?? []).filter(({ type }) => type === "volume");
  return new Map(mounts.toReversed().flatMap(({ target, name: volume }) => (volume === undefined ? [] : [[plainPath(target), volume]])));
}

/** If the image's volumes are unknown: the anonymous volumes that the container has and that the Compose files do not mount. */
function unnamedIn(running: ReadonlyMap<string, string>, service: ComposeService): string[] {
  const taken = new Set((service.volumes ?? []).map(({ target }) => plainPath(target)));
  return [...running].filter(([target, volume]) => isUnnamed(volume) && !taken.has(target)).map(([target]) => target);
}

function ownName(service: string, target: string, { project, digest }: VolumeInput): string {
  return `${project}_${service}_${digest(target).slice(0, 8)}`;
}

/** The engine gives anonymous volumes such a name. */
export function isUnnamed(volume: string): boolean {
  return /^[0-9a-f]{64}$/.test(volume);
}

/** Whether Compose may recreate it if it is gone. It then holds nothing that anybody else would miss. */
function isOurs(volume: string, project: string): boolean {
  return isUnnamed(volume) || (volume.startsWith(`${project}_`) && /_[0-9a-f]{8}$/.test(volume));
}

/** The key of a volume in the model: the existing one, or else a free one. */
function keyOf(volume: string, wanted: string, volumes: Readonly<Record<string, unknown>>): string {
  const known = Object.entries(volumes).find(
    ([, value]) => typeof value === "object" && value !== null && "name" in value && value.name === volume,
  );
  if (known !== undefined) return known[0];
  let key = wanted;
  while (volumes[key] !== undefined) key = `${key}_`;
  return key;
}
