import { plainLines } from "../../common/host-answer.ts";
import { ColdtivateError } from "../../errors.ts";
import type { Plan } from "../../plan/steps/plan.ts";
import {
  describeAborted,
  isTemporaryRefusal,
  isRefused,
  outputOf,
  reasonOf,
  refusalCode,
  servesBefore,
  tryAgain,
  type FailureFacts,
  type HostEnd,
} from "./apply-failure.ts";

interface FleetFacts extends FailureFacts {
  /** Whether the hosts were told to commit. */
  isDecided: boolean;
}

/** The error for several hosts if at least one of them did not finish a release. */
export function fleetFailure(plan: Plan, ends: readonly HostEnd[], facts: FleetFacts): ColdtivateError {
  const cause = findCause(ends.filter(({ isUntried }) => isUntried === undefined));
  const isUnsettled = ends.some(({ ending }) => ending !== undefined && ending.code > 4);
  if (facts.isDecided || isUnsettled || ends.some(isFinished)) return mixed(plan, ends, cause);
  const { again } = facts;
  // An abort without a name came from here, because another host failed.
  const byOthers = ends.find(({ story }) => story.abortedBy !== undefined && story.abortedBy !== "");
  const aborted = facts.isAborted ? "aborted" : byOthers && describeAborted(byOthers);
  const isEverywhere = ends.every(isRefused);
  const what = cause === undefined ? "the deploy failed" : tellCause(cause);
  const isRefusal = isEverywhere && !facts.isAborted;
  const passes = cause !== undefined && isTemporaryRefusal(cause);
  const code = cause !== undefined && (isEverywhere || passes) ? refusalCode(cause) : "DEPLOY_FAILED";
  const next = passes ? tryAgain(cause, again) : `Correct the cause, then: ${again}`;
  return new ColdtivateError(aborted === undefined ? what : `${aborted}, and undone on every host`, {
    code: aborted === undefined ? code : "DEPLOY_ABORTED",
    exit: facts.isAborted ? "interrupted" : isRefusal ? "refused" : "failed",
    details: aborted !== undefined || cause === undefined ? [] : outputOf(cause),
    hint: [
      `${isRefusal ? "On every host: " : "Nothing was changed on any host: "}${serving(ends)}.`,
      ...ends.filter(({ ending }) => ending === undefined).map(({ plan: { host } }) => tellSilent(host, plan)),
      aborted === undefined ? next : `To deploy again: ${again}`,
    ].join(" "),
  });
}

/** The host whose own failure ended the release, not one that undid because another host failed. */
function findCause(ends: readonly HostEnd[]): HostEnd | undefined {
  return (
    ends.find((end) => !isFinished(end) && end.story.failed?.isAbort === false) ??
    ends.find(isRefused) ??
    ends.find(({ lost }) => lost !== undefined) ??
    ends.find((end) => !isFinished(end))
  );
}

function tellCause(end: HostEnd): string {
  const { host } = end.plan;
  if (isRefused(end)) return `${host} refused the deploy`;
  return reasonOf(end) !== "" ? `${host}: ${reasonOf(end)}` : (end.lost?.message ?? `${host}: the deploy failed`);
}

function tellSilent(host: string, { environment }: Plan): string {
  return `${host} could not be reached again: it takes back by itself what it had begun, or, where it went down meanwhile, when it is asked to: coldtivate recover ${environment}.`;
}

/** Some hosts serve the release, and others do not or are unknown. */
function mixed(plan: Plan, ends: readonly HostEnd[], cause: HostEnd | undefined): ColdtivateError {
  const { environment, release } = plan;
  return new ColdtivateError(
    `${environment}: not every host serves release ${release.id}${cause === undefined ? "" : `: ${tellCause(cause)}`}`,
    {
      code: "DEPLOY_MIXED",
      exit: "mixed",
      details: [...ends.map((end) => `${end.plan.host}: ${tellEnd(end, release.id)}`), ...(cause === undefined ? [] : outputOf(cause))],
      hint: `To make all of them serve one release: coldtivate recover ${environment}. What they serve: coldtivate status ${environment}`,
    },
  );
}

function tellEnd(end: HostEnd, release: string): string {
  const { ending, plan, story } = end;
  if (ending === undefined) return "unknown, it could not be reached again";
  if (ending.code === 0) return `serves ${release}`;
  if (ending.code === 4)
    return `${servesBefore(plan)}, ${story.failed === undefined ? "the release was undone" : `undone: ${story.failed.detail}`}`;
  if (end.isUntried) return `${servesBefore(plan)}, nothing was begun`;
  if (isRefused(end)) return `${servesBefore(plan)}, it refused: ${plainLines(ending.stderr)[0] ?? ""}`;
  return story.isBroken ? "neither finished nor undone" : "interrupted, neither finished nor undone yet";
}

function serving(ends: readonly HostEnd[]): string {
  return [...new Set(ends.map(({ plan }) => servesBefore(plan)))].join("; ");
}

function isFinished({ ending }: HostEnd): boolean {
  return ending?.code === 0;
}
