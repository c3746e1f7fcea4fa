import { applyRelease, type ReleaseEnd, type JournalLine } from "../../adapters/host/host.ts";
import { changes, type Change } from "../../changes.ts";
import { allOf } from "../../common/mark-handled.ts";
import type { DeployControl } from "../../control.ts";
import { isBarrier } from "../../plan/steps/barriers.ts";
import { showPlan } from "../../plan/steps/plan.ts";
import type { Reporter } from "../../report/progress.ts";
import type { HostWork, PreparedRelease } from "../prepare/prepare.ts";
import { failureOf, type HostEnd } from "./apply-failure.ts";
import { Coordinator, type Order } from "./coordinator.ts";
import { leftAlone } from "./detached.ts";
import { fleetFailure } from "./fleet-failure.ts";
import { followAgain, isLost } from "./follow-host.ts";
import { loginsFor, type RegistryLogin } from "./pull-credentials.ts";
import { announceSteps, HostProgress } from "./host-progress.ts";

/** Milliseconds between two keep-alive messages to hosts that may be waiting for one another. */
const pulse = 2000;

export interface ApplyInput extends PreparedRelease {
  /** Each host gets only those that it needs. */
  credentials: readonly RegistryLogin[];
  /** The command that tries again. */
  again: string;
  reporter: Reporter;
  control: DeployControl;
  /** How long to try to reconnect to a lost host, in milliseconds. */
  patience?: number;
}

/**
 * Carries out a plan on all hosts at once. The hosts proceed together: if one fails before the decision, all of them undo.
 * @throws ColdtivateError when a host refused, undid or could not undo; it says what serves now
 */
export async function applyPlan(input: ApplyInput): Promise<void> {
  const { plan, control, reporter, again } = input;
  const work = input.work.filter((host) => host.plan.steps.length > 0);
  announceSteps(plan.hosts.map(showPlan), reporter);
  const coordinator = new Coordinator(work.map((host) => host.plan.host));
  const speakers = new Map<string, (message: string) => void>();
  const obey = (orders: readonly Order[]) => {
    for (const { host, message } of orders) speakers.get(host)?.(message);
  };
  const stop = () => obey(coordinator.stop());
  const isUndoneAlone = () => work.length > 1 && !coordinator.isDecided;
  control.isUndoneAlone = isUndoneAlone;
  const abort = () => {
    if (coordinator.isDecided) reporter.emit({ type: "warning", text: "too late to undo: the hosts commit the release" });
    stop();
  };
  control.abort.addEventListener("abort", abort, { once: true });
  const heart = setInterval(() => {
    if (work.length > 1) for (const say of speakers.values()) say("here");
  }, pulse);
  // When two deploys start at once, one of them must win on every host: the one that the first host takes.
  const door = Promise.withResolvers<boolean>();
  const stories = work.map((host) => new HostProgress(showPlan(host.plan), reporter));
  const applied = work.map((host, index) =>
    applyToHost(host, {
      ...input,
      ...(index === 0 ? { onBegin: door.resolve } : { mayBegin: door.promise }),
      story: stories[index]!,
      onStart(say) {
        speakers.set(host.plan.host, say);
        if (control.abort.aborted) abort();
      },
      onBarrier: (barrier) => obey(coordinator.arrive(host.plan.host, barrier)),
      onFailure: stop,
    }),
  );
  try {
    const ends = await allOf(applied);
    const facts = { again, isAborted: control.abort.aborted };
    const [first] = ends;
    if (first === undefined || ends.every(({ ending }) => ending?.code === 0)) return;
    throw ends.length === 1 ? failureOf(plan, first, facts) : fleetFailure(plan, ends, { ...facts, isDecided: coordinator.isDecided });
  } catch (error) {
    if (!control.detach.aborted || error !== control.detach.reason) throw error;
    const followed = stories.map((story) => ({ release: plan.release.id, story }));
    throw leftAlone(plan.environment, followed, isUndoneAlone());
  } finally {
    clearInterval(heart);
    control.abort.removeEventListener("abort", abort);
  }
}

interface HostInput extends ApplyInput {
  story: HostProgress;
  onStart: (say: (message: string) => void) => void;
  /** Called once it is known whether the host accepts the release. */
  onBegin?: (hasBegun: boolean) => void;
  /** Resolves to false if the host must not be sent anything. */
  mayBegin?: Promise<boolean>;
  onBarrier: (name: string) => void;
  /** Called when the host begins to undo, refuses, or is lost. */
  onFailure: () => void;
}

async function applyToHost({ connection, plan: hostPlan, entries, images }: HostWork, input: HostInput): Promise<HostEnd> {
  const shown = showPlan(hostPlan);
  const { plan, story, control, reporter, onStart, onBegin, mayBegin, patience = 10_000 } = input;
  if ((await mayBegin) === false) return { plan: shown, story, isUntried: true, ending: { code: 3, stderr: "" } };
  let told = 0;
  const onLine = (line: JournalLine) => {
    told++;
    story.tell(line);
    const step = hostPlan.steps[line.step - 1];
    if (line.state === "begin") onBegin?.(true);
    if (line.state === "begin" && step !== undefined && isBarrier(step)) input.onBarrier(step.name);
    if (line.state === "failed" || line.state === "undone") input.onFailure();
  };
  const change = changes.begin(`told to take release ${plan.release.id}`, hostPlan.host);
  const application = { name: plan.project, release: plan.release.id, onLine, detach: control.detach };
  try {
    const credentials = loginsFor(images, input.credentials);
    const ending = await applyRelease(connection, { ...application, entries, credentials, onStart });
    settle(change, ending);
    if (ending.code !== 0) input.onFailure();
    return { plan: shown, story, ending };
  } catch (error) {
    input.onFailure();
    // When the user detaches, the DETACHED error already says that the host goes on.
    if (control.detach.aborted) change.dropped();
    if (!isLost(error)) throw error;
    reporter.emit({ type: "warning", text: `${error.message}; it goes on by itself, and is tried to be reached again` });
    const ending = await followAgain(connection, { ...application, told, patience });
    if (ending !== undefined) settle(change, ending);
    return { plan: shown, story, lost: error, ...(ending === undefined ? {} : { ending }) };
  } finally {
    onBegin?.(false);
  }
}

/** A release that did not succeed is reported by its failure, host by host. */
function settle(change: Change, { code }: ReleaseEnd): void {
  if (code === 0) change.done();
  else change.dropped();
}
