import type { HostState, ObservedContainer } from "../release/host-state.ts";
import type { ManifestService } from "../release/manifest.ts";
import { replicas } from "../release/model.ts";
import type { Rendered, RenderedService } from "../release/render.ts";
import type { ServiceChange } from "./plan.ts";

/** Why a container that coldtivate did not make is replaced. */
export const notOurs = "was not started by coldtivate";

/** What differs between a release and what a host runs, by service, in the order of their names. */
export function compareServices(rendered: Rendered, state: HostState): ServiceChange[] {
  const containers = Map.groupBy(
    state.containers.filter(({ oneOff }) => !oneOff),
    ({ service }) => service,
  );
  const names = [...new Set([...Object.keys(rendered.services), ...containers.keys()])].toSorted();
  return names.map((service) => {
    const wanted = rendered.services[service];
    const running = containers.get(service) ?? [];
    if (wanted === undefined) return { service, change: "remove", reasons: ["no longer part of the release"] };
    if (running.length === 0) return { service, change: "create", reasons: [shortImage(wanted.image)] };
    const reasons = differences(wanted, running, replicas(rendered.model.services[service] ?? {}), state.manifest?.services[service]);
    return { service, change: reasons.length === 0 ? "keep" : "update", reasons };
  });
}

type Known = ManifestService | undefined;

function differences(wanted: RenderedService, running: readonly ObservedContainer[], instances: number, known: Known): string[] {
  const stale = running.find(({ definition }) => definition !== wanted.definition);
  if (stale !== undefined) return [...changesSince(wanted, known, stale)];
  if (running.length !== instances) return [`${running.length} of ${instances} containers`];
  const broken = running.find(({ status, health }) => status !== "running" || health === "unhealthy");
  if (broken === undefined || (broken.status === "exited" && !wanted.checked && broken.health === "")) return [];
  return [`${broken.name} is ${broken.status === "running" ? broken.health : broken.status}`];
}

function changesSince(wanted: RenderedService, known: Known, container: ObservedContainer): string[] {
  if (container.definition === "") return [notOurs];
  if (known === undefined || known.definition !== container.definition) return ["runs another release"];
  const reasons: string[] = [];
  if (known.image !== wanted.image) reasons.push(`image ${shortDigest(known.image)} → ${shortDigest(wanted.image)}`);
  const before = known.environment ?? {};
  const variables = [...new Set([...Object.keys(before), ...Object.keys(wanted.environment)])];
  const changed = variables.filter((name) => before[name] !== wanted.environment[name]).toSorted();
  if (changed.length > 0) reasons.push(`environment ${changed.join(", ")}`);
  return reasons.length > 0 ? reasons : ["configuration"];
}

/** `sha256:1f2e3d4c`, or the reference itself when it has no digest. */
export function shortDigest(image: string): string {
  const digest = image.split("@", 2)[1];
  return digest === undefined ? image : digest.slice(0, "sha256:".length + 8);
}

function shortImage(image: string): string {
  const name = image.split("@", 1)[0]?.split("/").at(-1) ?? image;
  return image.includes("@") ? `${name}@${shortDigest(image)}` : name;
}
