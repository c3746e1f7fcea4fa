import { taskNames } from "./choose-tasks.ts";
import type { HostPlan, Plan, ServiceChange } from "./plan.ts";
import { formatStep } from "./step.ts";

const signs: Record<ServiceChange["change"], string> = { create: "+", update: "~", remove: "-", keep: "=" };

/**
 * Formats a plan for people: what changes on which host, and what they should know before it starts.
 *
 * @param withSteps whether to list the steps of each host, too
 */
export function formatPlan(plan: Plan, withSteps = false): string {
  const { release } = plan;
  const ref = release.ref === undefined ? "" : ` (${release.ref})`;
  const back = release.rollback === undefined ? "" : `, back to ${release.rollback}`;
  const lines = [`${plan.environment}: release ${release.id}, commit ${release.commit.slice(0, 8)}${ref}${back}`];
  for (const host of plan.hosts) {
    lines.push("", ...formatHost(host));
    if (withSteps) lines.push(...host.steps.map((step, index) => `  ${index + 1}. ${formatStep(step)}`));
  }
  if (plan.notes.length > 0) lines.push("", ...plan.notes.map((note) => `! ${note}`));
  return lines.join("\n");
}

function formatHost(host: HostPlan): string[] {
  const shown = host.services.filter(({ change }) => change !== "keep");
  const kept = host.services.length - shown.length;
  const width = Math.max(0, ...shown.map(({ service }) => service.length));
  const tasks = taskNames([host]);
  return [
    host.expect === "-" ? `${host.host}  (first release)` : `${host.host}  (serves ${host.expect})`,
    ...shown.map(
      (change) => `  ${signs[change.change]} ${change.service.padEnd(width)}  ${change.reasons.join("; ")}${formatRollout(change)}`,
    ),
    ...(tasks.length > 0 ? [`  tasks: ${tasks.join(", ")}`] : []),
    ...(host.unchanged ?? []).map(({ task, since }) => `  task ${task}: unchanged since ${since}`),
    ...(kept > 0 ? [`  ${kept} ${kept === 1 ? "service stays as it is" : "services stay as they are"}`] : []),
  ];
}

function formatRollout({ rollout, rolloutReason }: ServiceChange): string {
  return rollout === undefined ? "" : `  [${rollout}: ${rolloutReason}]`;
}
