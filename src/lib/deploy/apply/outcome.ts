import { formatDuration } from "../../report/duration.ts";
import type { HostPlan, Plan, ServiceChange } from "../../plan/steps/plan.ts";
import { shortCommit } from "../../git/slug.ts";

/** Whether every host serves the release already. */
export function isUnchanged(plan: Plan): boolean {
  return plan.hosts.every((host) => host.steps.length === 0);
}

/** The result of a deploy or a rollback, in one line per host. */
export function describeOutcome(plan: Plan, milliseconds?: number): string {
  const { environment, release } = plan;
  const what = `commit ${shortCommit(release.commit)}${release.ref === undefined ? "" : ` (${release.ref})`}`;
  if (isUnchanged(plan)) {
    const serving = [...new Set(plan.hosts.map(({ expect }) => expect))].join(", ");
    return [`${environment} serves ${what} already, as ${serving}: nothing to do.`, ...plan.notes.map((note) => `! ${note}`)].join("\n");
  }
  const took = milliseconds === undefined ? "" : ` in ${formatDuration(milliseconds)}`;
  const done = release.rollback === undefined ? "deployed" : `rolled back to ${release.rollback}`;
  return [`${environment} serves ${release.id}, ${what}, since now: ${done}${took}.`, ...plan.hosts.map(describeHost)].join("\n");
}

function describeHost({ host, services }: HostPlan): string {
  const named = (changes: ServiceChange["change"][]) =>
    services.filter(({ change }) => changes.includes(change)).map(({ service }) => service);
  const parts = [
    ["replaced", named(["update"])],
    ["started", named(["create"])],
    ["removed", named(["remove"])],
  ] as const;
  const told = parts.filter(([, names]) => names.length > 0).map(([verb, names]) => `${verb} ${names.join(", ")}`);
  const kept = named(["keep"]).length;
  return `  ${host}: ${[...told, ...(kept > 0 ? [`${kept} untouched`] : [])].join("; ")}`;
}
