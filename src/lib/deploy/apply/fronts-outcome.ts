import type { HostPlan, Plan } from "../../plan/steps/plan.ts";
import { formatDuration } from "../../report/duration.ts";

/** The result of an update of fronts, in one line per host. Without a time, there was nothing to do. */
export function describeFronts({ environment, release, hosts }: Plan, milliseconds?: number): string {
  if (milliseconds === undefined) return `The fronts of ${environment} are what coldtivate.yml says: nothing to do.`;
  const head = `The fronts of ${environment} are new since now, as release ${release.id}: updated in ${formatDuration(milliseconds)}.`;
  return [head, ...hosts.map(describeHost)].join("\n");
}

function describeHost({ host, services }: HostPlan): string {
  const updated = services.filter(({ change }) => change === "update").map(({ service }) => service);
  return `  ${host}: ${updated.length === 0 ? "nothing to do" : updated.join(", ")}`;
}
