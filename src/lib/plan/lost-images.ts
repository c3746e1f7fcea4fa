import type { HostState } from "../host/host-state.ts";
import type { Manifest } from "../release/manifest.ts";
import { missingImages } from "./capacity/capacity-disk.ts";
import { pulledImages, type HostPlan } from "./steps/plan.ts";
import type { Step } from "./steps/step.ts";

/**
 * Finds images that undoing a plan needs and that a host no longer has, for example after `docker system prune`. These are images
 * of services that the plan changes. Empty if the host did not report its images.
 */
export function imagesToUndo({ services }: Pick<HostPlan, "services">, state: HostState): string[] {
  const { manifest, images } = state;
  if (manifest === undefined || images === undefined) return [];
  const changed = services.filter(({ change }) => change !== "keep").map(({ service }) => service);
  return missingImages([...new Set(changed.flatMap((service) => imagesOf(service, manifest)))].toSorted(), state);
}

function imagesOf(service: string, { services, fronts }: Pick<Manifest, "services" | "fronts">): string[] {
  return [services[service]?.image ?? "", fronts[service]?.image ?? ""].filter((image) => image.includes("@"));
}

/** Makes a plan pull further images, before anything else that it does. */
export function pullToo(plan: HostPlan, images: readonly string[]): HostPlan {
  if (images.length === 0 || plan.steps.length === 0) return plan;
  const all = [...new Set([...pulledImages(plan), ...images])].toSorted();
  const step: Step = { verb: "pull", images: all };
  const at = plan.steps.findIndex(({ verb }) => verb === "pull");
  // A plan begins with a check whether it still holds, and with hooks.
  const first = plan.steps.findIndex(({ verb }) => verb !== "expect" && verb !== "hook");
  const steps = at === -1 ? plan.steps.toSpliced(Math.max(0, first), 0, step) : plan.steps.with(at, step);
  return { ...plan, steps };
}

/** Shortens the digest in an image's name, for people. */
export function shortImageName(image: string): string {
  return image.replace(/(@sha256:[0-9a-f]{8})[0-9a-f]+$/, "$1");
}
