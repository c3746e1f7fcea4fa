import { applyRelease, lines } from "../adapters/host.ts";
import type { HostConnection } from "../adapters/ssh.ts";
import type { TarEntry } from "../adapters/tar.ts";
import type { Credentials } from "../config/config.ts";
import type { Control } from "../control.ts";
import { ColdtivateError } from "../errors.ts";
import { notOurs } from "../plan/differences.ts";
import type { HostPlan, Plan, Step } from "../plan/plan.ts";
import type { Reporter } from "../report/progress.ts";
import { leftAlone } from "./detached.ts";
import { announceSteps, Story } from "./story.ts";

export interface HostWork {
  connection: HostConnection;
  plan: HostPlan;
  /** What the release's folder on the host is to hold. */
  entries: readonly TarEntry[];
}

export interface ApplyInput {
  plan: Plan;
  work: readonly HostWork[];
  credentials: readonly { registry: string; credentials: Credentials }[];
  /** The command that tries again. */
  again?: string;
  reporter: Reporter;
  control: Control;
}

/**
 * Carries out a plan, host after host; the first failure ends it.
 * @throws ColdtivateError when a host refused, undid or could not undo; it says what serves now
 */
export async function applyPlan(input: ApplyInput): Promise<void> {
  const { plan, work, credentials, reporter, control, again = `coldtivate deploy ${plan.environment}` } = input;
  announceSteps(plan.hosts, reporter);
  const finished: string[] = [];
  for (const host of work) {
    const story = new Story(host.plan, reporter);
    const applied = applyRelease(host.connection, {
      name: plan.project,
      release: plan.release.id,
      entries: host.entries,
      credentials,
      onLine: (line) => story.tell(line),
      control,
    });
    const { code, stderr } = await applied.catch((error: unknown) => {
      throw error === control.detach.reason
        ? leftAlone(plan.environment, [{ release: plan.release.id, story }])
        : lost(error, plan, host.plan);
    });
    if (code !== 0) throw failure(plan, host.plan, story, { code, stderr, finished, aborted: control.abort.aborted, again });
    finished.push(host.plan.host);
  }
}

/** What the script calls a refusal that goes away by itself. */
const refusals: Readonly<Record<string, string>> = { busy: "DEPLOY_RUNNING", stale: "PLAN_STALE" };

export interface End {
  code: number;
  stderr: string;
  /** Hosts that serve the new release already. */
  finished: readonly string[];
  aborted: boolean;
  /** The command that tries again. */
  again: string;
}

/** The link is gone, and the host goes on without us. */
function lost(error: unknown, plan: Plan, { host }: HostPlan): unknown {
  if (!(error instanceof ColdtivateError) || error.code !== "CONNECTION_LOST") return error;
  return new ColdtivateError(`${error.message} while it deployed`, {
    code: error.code,
    exit: "mixed",
    details: error.details,
    hint: `The host goes on by itself: it finishes release ${plan.release.id} or undoes all of it. What serves on ${host}: coldtivate status ${plan.environment}`,
    cause: error,
  });
}

/** Why a release did not finish on a host, what serves there now, and what to do next. */
export function failure(plan: Plan, host: HostPlan, story: Story, end: End): ColdtivateError {
  const before = servesBefore(host);
  const { again } = end;
  if (end.code === 2 || end.code === 3) {
    return new ColdtivateError(`${host.host} refused the deploy`, {
      code: refusals[story.refused ?? ""] ?? "DEPLOY_REFUSED",
      exit: end.finished.length > 0 ? "mixed" : "refused",
      details: lines(end.stderr),
      hint: [serving(plan, end), `Nothing was changed on ${host.host}: ${before}.`].filter(Boolean).join(" "),
    });
  }
  const what = story.failed === undefined ? "" : tellFailure(host.steps[story.failed.step - 1], story.failed.detail);
  const details = story.failed === undefined ? lines(end.stderr) : story.output(story.failed.step);
  if (end.code === 4) {
    const mixed = end.finished.length > 0;
    const aborted = end.aborted ? "aborted" : story.aborted;
    const next = aborted === undefined ? "Correct the cause, then" : "To deploy again";
    return new ColdtivateError(`${host.host}: ${aborted === undefined ? what || "the deploy failed" : `${aborted}, and undone`}`, {
      code: aborted === undefined ? "DEPLOY_FAILED" : "DEPLOY_ABORTED",
      exit: mixed ? "mixed" : end.aborted ? "interrupted" : "failed",
      details,
      hint: [serving(plan, end), `Everything was undone on ${host.host}: ${before}.`, `${next}: ${again}`].filter(Boolean).join(" "),
    });
  }
  return new ColdtivateError(`${host.host}: ${what || "the deploy failed"}, and it could not be undone`, {
    code: "DEPLOY_BROKEN",
    exit: "mixed",
    details: [...details, ...lines(end.stderr)],
    hint: [
      serving(plan, end),
      `See what runs with: coldtivate status ${plan.environment}. The journal is in ~/.coldtivate/${plan.project}/releases/${plan.release.id} on ${host.host}. To try again: ${again}`,
    ]
      .filter(Boolean)
      .join(" "),
  });
}

function servesBefore({ expect, services }: HostPlan): string {
  if (expect !== "-") return `${expect} serves as before`;
  const isMove = services.some(({ reasons }) => reasons.includes(notOurs));
  return isMove ? "what was not started by coldtivate serves as before" : "nothing of this project served before, and nothing does now";
}

/** The script's reason names tasks, images and containers; which service a container is of is in the step. */
function tellFailure(step: Step | undefined, reason: string): string {
  return step?.verb === "healthy" ? step.title.replace(/ is healthy$/, ` did not become healthy: ${reason}`) : reason;
}

function serving(plan: Plan, { finished }: End): string {
  return finished.length === 0 ? "" : `${finished.join(", ")} ${finished.length === 1 ? "serves" : "serve"} ${plan.release.id} already.`;
}
