import type { ObservedContainer } from "../../host/host-state.ts";
import type { ManifestService } from "../../release/manifest.ts";
import type { RenderedService } from "../../release/rendered.ts";

/** The reason for replacing a container that coldtivate did not start. */
export const notOurs = "was not started by coldtivate";

/** The reason if only the definition is known to differ. */
export const unexplained = "configuration";

export interface Running {
  containers: readonly ObservedContainer[];
  /** How many there should be. */
  instances: number;
  /** The service in the serving release. */
  known: ManifestService | undefined;
}

/** Why the containers of a service differ from the release, in the user's words; empty if they do not. */
export function differences(wanted: RenderedService, { containers, instances, known }: Running): string[] {
  const stale = containers.find(({ definition }) => definition !== wanted.definition);
  if (stale !== undefined) return changesSince(wanted, known, stale);
  if (containers.length !== instances) return [`${containers.length} of ${instances} containers`];
  const broken = containers.find(({ status, health }) => status !== "running" || health === "unhealthy");
  if (broken === undefined || (broken.status === "exited" && !wanted.checked && broken.health === "")) return [];
  return [`${broken.name} is ${broken.status === "running" ? broken.health : broken.status}`];
}

/** @param container one of the service's; absent if it completed and no container is left */
export function changesSince(wanted: RenderedService, known: ManifestService | undefined, container?: ObservedContainer): string[] {
  if (container?.definition === "") return [notOurs];
  if (known === undefined || (container !== undefined && known.definition !== container.definition)) return ["runs another release"];
  const reasons: string[] = [];
  if (known.image !== wanted.image) reasons.push(`image ${shortDigest(known.image)} → ${shortDigest(wanted.image)}`);
  const before = known.environment ?? {};
  const variables = [...new Set([...Object.keys(before), ...Object.keys(wanted.environment)])];
  const changed = variables.filter((name) => before[name] !== wanted.environment[name]).toSorted();
  if (changed.length > 0) reasons.push(`environment ${changed.join(", ")}`);
  return reasons.length > 0 ? reasons : [unexplained];
}

/** `sha256:1f2e3d4c`, or the reference itself when it has no digest. */
export function shortDigest(image: string): string {
  const digest = image.split("@", 2)[1];
  return digest === undefined ? image : digest.slice(0, "sha256:".length + 8);
}

export function shortImage(image: string): string {
  const name = image.split("@", 1)[0]?.split("/").at(-1) ?? image;
  return image.includes("@") ? `${name}@${shortDigest(image)}` : name;
}
