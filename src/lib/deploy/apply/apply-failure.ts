import type { ReleaseEnd } from "../../adapters/host/host.ts";
import { ColdtivateError } from "../../errors.ts";
import { notOurs } from "../../plan/steps/differences.ts";
import type { Plan, ShownPlan } from "../../plan/steps/plan.ts";
import type { ShownStep } from "../../plan/steps/step.ts";
import { plainLines } from "../../common/host-answer.ts";
import type { HostProgress } from "./host-progress.ts";

/** How a release ended on a host. */
export interface HostEnd {
  plan: ShownPlan;
  story: HostProgress;
  /** Undefined if the outcome is unknown. */
  ending?: ReleaseEnd;
  /** Whether the host was sent nothing because another host did not take the release. It then counts as refused. */
  isUntried?: true;
  /** Why the connection ended before the release did. */
  lost?: ColdtivateError;
}

export interface FailureFacts {
  /** The command that tries again. */
  again: string;
  /** Whether the user aborted the release. */
  isAborted: boolean;
}

/** The script's word for each temporary refusal, with the code of its error. */
export const passingRefusals: Readonly<Record<string, string>> = { busy: "DEPLOY_RUNNING", stale: "PLAN_STALE" };

/** The error for an environment with a single host that did not finish a release. */
export function failureOf(plan: Plan, end: HostEnd, { again, isAborted }: FailureFacts): ColdtivateError {
  const { plan: host, ending, lost } = end;
  const before = servesBefore(host);
  if (ending === undefined) {
    return new ColdtivateError(`${lost?.message ?? `${host.host}: the connection was lost`} while it deployed`, {
      code: "CONNECTION_LOST",
      exit: "mixed",
      hint: `The host goes on by itself: it finishes release ${plan.release.id} or undoes all of it. If it went down itself, run this once it is back: coldtivate recover ${plan.environment}. What serves there: coldtivate status ${plan.environment}`,
      cause: lost,
    });
  }
  if (isRefused(end)) {
    return new ColdtivateError(`${host.host} refused the deploy`, {
      code: refusalCode(end),
      exit: "refused",
      details: plainLines(ending.stderr),
      hint: `On ${host.host}: ${before}.${isTemporaryRefusal(end) ? ` ${tryAgain(end, again)}` : ""}`,
    });
  }
  const what = reasonOf(end) || "the deploy failed";
  if (ending.code === 4) {
    const aborted = isAborted ? "aborted" : describeAborted(end);
    return new ColdtivateError(`${host.host}: ${aborted === undefined ? what : `${aborted}, and undone`}`, {
      code: aborted === undefined ? "DEPLOY_FAILED" : "DEPLOY_ABORTED",
      exit: isAborted ? "interrupted" : "failed",
      details: outputOf(end),
      hint: `Everything was undone on ${host.host}: ${before}. ${aborted === undefined ? "Correct the cause, then" : "To deploy again"}: ${again}`,
    });
  }
  const { environment, project, release } = plan;
  return new ColdtivateError(`${host.host}: ${what}, and it could not be undone`, {
    code: "DEPLOY_BROKEN",
    exit: "mixed",
    details: [...outputOf(end), ...(end.story.failed === undefined ? [] : plainLines(ending.stderr))],
    hint: `See what runs with: coldtivate status ${environment}. The journal is in ~/.coldtivate/${project}/releases/${release.id} on ${host.host}. To have it finished or undone once more: coldtivate recover ${environment}. To try again: ${again}`,
  });
}

/** That somebody else aborted a release on a host, and who; undefined if nobody did. */
export function describeAborted({ story: { abortedBy } }: HostEnd): string | undefined {
  return abortedBy === undefined ? undefined : `aborted${abortedBy === "" ? "" : ` by ${abortedBy}`}`;
}

export function isRefused({ ending }: HostEnd): boolean {
  return ending?.code === 2 || ending?.code === 3;
}

export function refusalCode({ story }: HostEnd): string {
  return passingRefusals[story.refused ?? ""] ?? "DEPLOY_REFUSED";
}

/** Whether a host would accept the release once another deploy has ended. */
export function isTemporaryRefusal(end: HostEnd): boolean {
  return isRefused(end) && refusalCode(end) !== "DEPLOY_REFUSED";
}

/** What to do after a temporary refusal. */
export function tryAgain({ story }: HostEnd, again: string): string {
  if (story.refused === "stale") return `Try again: ${again}; with --wait it does that by itself.`;
  return `Try again once the other deploy has ended: ${again}; or have it wait for that: ${again} --wait`;
}

export function servesBefore({ expect, services }: Pick<ShownPlan, "expect" | "services">): string {
  if (expect !== "-") return `${expect} serves as before`;
  const isMove = services.some(({ reasons }) => reasons.includes(notOurs));
  return isMove ? "what was not started by coldtivate serves as before" : "nothing of this project served before, and nothing does now";
}

/** Why a release failed on a host; empty if unknown. */
export function reasonOf({ plan, story: { failed } }: HostEnd): string {
  return failed === undefined ? "" : tellFailure(plan.steps[failed.step - 1], failed.detail);
}

/** The output of a host's failing step; without such a step, the output of its script. */
export function outputOf({ story, ending }: HostEnd): readonly string[] {
  return story.failed === undefined ? plainLines(ending?.stderr ?? "") : story.output(story.failed.step);
}

/** The script's reason names tasks, images and containers. The step names the service that a container belongs to. */
function tellFailure(step: ShownStep | undefined, reason: string): string {
  return step?.subject === undefined ? reason : `${step.subject} did not become healthy: ${reason}`;
}
