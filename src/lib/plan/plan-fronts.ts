import type { HostState } from "../host/host-state.ts";
import type { Manifest, ManifestFront } from "../release/manifest.ts";
import type { UpdatedFronts } from "./front-update.ts";
import { barrier } from "./steps/barriers.ts";
import { shortDigest } from "./steps/differences.ts";
import type { HostPlan, ServiceChange } from "./steps/plan.ts";
import { stepsOf, type Barrier, type Step } from "./steps/step.ts";
import { startFronts, join, leave, prune, pull, type StepFacts } from "./steps/steps.ts";

export interface FrontsInput {
  config: StepFacts["config"];
  state: HostState;
  manifest: Manifest;
  updated: UpdatedFronts;
  /** Whether the environment has other hosts. If so, the plan has barriers, for alignHosts. */
  hasPeers?: boolean;
}

/**
 * Decides how a host's fronts are updated. Changes nothing. Each new front joins the old one, which leaves once all of them
 * serve. Fronts that cannot exist twice are replaced in place, one after the other, to keep each gap as short as possible.
 */
export function planFronts({ config, state, manifest, updated, hasPeers = false }: FrontsInput): HostPlan {
  const changed = Object.keys(updated.fronts).filter(
    (service) => updated.fronts[service]?.definition !== manifest.fronts[service]?.definition,
  );
  const isExclusive = (service: string) => (updated.exclusive[service] ?? []).length > 0;
  const joining = changed.filter((service) => !isExclusive(service));
  const waitAt = (name: Barrier) => (hasPeers ? [barrier(name)] : []);
  const steps: Step[] = [
    { verb: "expect", release: state.current },
    { verb: "look" },
    ...pull(changed.map((service) => updated.fronts[service]?.image ?? "")),
    ...waitAt("pulled"),
    ...join(joining),
    ...changed.filter(isExclusive).flatMap((service) => startFronts([service])),
    { verb: "reach", within: 60, targets: changed },
    ...waitAt("switched"),
    { verb: "commit" },
    ...leave(joining, { config }),
    prune(config),
  ];
  return {
    host: state.host,
    expect: state.current,
    services: Object.keys(manifest.services)
      .toSorted()
      .map((service) => describeChange(service, changed, manifest, updated)),
    steps: changed.length === 0 ? [] : steps,
  };
}

/** Notes that the user should read before the update starts. */
export function frontNotes({ steps }: HostPlan, { exclusive }: UpdatedFronts): string[] {
  return stepsOf(steps, "front")
    .flatMap(({ services }) => services)
    .map((service) => `${service}: one front alone can have its ${(exclusive[service] ?? []).join(", ")}: a gap of about a second`);
}

function describeChange(service: string, changed: readonly string[], manifest: Manifest, updated: UpdatedFronts): ServiceChange {
  const [before, after] = [manifest.fronts[service], updated.fronts[service]];
  if (before === undefined || after === undefined || !changed.includes(service)) return { service, change: "keep", reasons: [] };
  const gap = (updated.exclusive[service] ?? []).length > 0 ? "a gap of about a second" : "without a gap";
  return { service, change: "update", reasons: [...differences(before, after), gap] };
}

function differences(before: ManifestFront, after: ManifestFront): string[] {
  const reasons = [
    ...(before.image === after.image ? [] : [`front ${shortDigest(before.image)} → ${shortDigest(after.image)}`]),
    ...(before.memory === after.memory ? [] : [`memory of its front ${before.memory ?? "unlimited"} → ${after.memory ?? "unlimited"}`]),
  ];
  return reasons.length > 0 ? reasons : ["definition of its front"];
}
