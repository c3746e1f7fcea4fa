import { attachToRelease } from "../../adapters/host/host-attach.ts";
import { runVerb } from "../../adapters/host/host-verbs.ts";
import type { HostConnection } from "../../adapters/ssh/ssh.ts";
import { changes, type Change } from "../../changes.ts";
import type { DeployControl } from "../../control.ts";
import { ColdtivateError } from "../../errors.ts";
import { parseHostPlan, type KeptPlan } from "../../plan/steps/kept-plan.ts";
import type { Reporter } from "../../report/progress.ts";
import { leftAlone } from "./detached.ts";
import { announceSteps, HostProgress } from "./host-progress.ts";

export interface AttachOptions {
  environment: string;
  /** Name of the Compose project. */
  project: string;
  connections: readonly HostConnection[];
  /** Who attaches, and from where. The other users see it after an abort. */
  who: string;
  reporter: Reporter;
  /** On abort, the hosts are asked to undo the release, and followed until they have. */
  control: DeployControl;
}

/** How a release that somebody else began ended on a host. */
export interface AttachedEnd {
  release: string;
  plan: KeptPlan;
  story: HostProgress;
  /** The script's exit code. */
  code: number;
  /** The script's messages for people. */
  told: readonly string[];
}

/**
 * Follows the release that hosts are working on, from its beginning to its end.
 *
 * @returns the ends on the hosts that were working on one
 * @throws ColdtivateError NOBODY_DEPLOYS if no host is; DETACHED when the user leaves
 */
export async function attach(input: AttachOptions): Promise<AttachedEnd[]> {
  const { environment, project, connections, who, reporter, control } = input;
  const followed: Pick<AttachedEnd, "release" | "plan" | "story">[] = [];
  const asked: Change[] = [];
  const undo = () => {
    for (const connection of connections) {
      // A host without a running release refuses. A host that is gone is noticed by the command that follows it.
      asked.push(changes.begin("told to undo", connection.host));
      void runVerb(connection, project, ["abort"], { input: `${who}\n` }).catch(() => {});
    }
  };
  const follow = async (connection: HostConnection) => {
    let host: (typeof followed)[number] | undefined;
    const end = await attachToRelease(connection, {
      name: project,
      onRelease: (release, text) => {
        const plan = parseHostPlan(connection.host, text);
        announceSteps([plan], reporter);
        host = { release, plan, story: new HostProgress(plan, reporter) };
        if (followed.push(host) === 1 && control.abort.aborted) undo();
      },
      onLine: (line) => host?.story.tell(line),
      signal: control.detach,
    });
    return { end, host };
  };
  control.abort.addEventListener("abort", undo, { once: true });
  try {
    const ends = await Promise.all(connections.map(follow));
    const attached = ends.flatMap(({ end: { code, told }, host }): AttachedEnd[] => (host === undefined ? [] : [{ ...host, code, told }]));
    // The ends of the release report what came of this.
    for (const change of asked) change.dropped();
    if (attached.length > 0) return attached;
    throw nobodyDeploys(
      environment,
      ends.flatMap(({ end }) => end.told),
    );
  } catch (error) {
    throw error === control.detach.reason && control.detach.aborted ? leftAlone(environment, followed) : error;
  } finally {
    control.abort.removeEventListener("abort", undo);
  }
}

function nobodyDeploys(environment: string, details: readonly string[]): ColdtivateError {
  return new ColdtivateError(`nobody deploys to ${environment} right now`, {
    code: "NOBODY_DEPLOYS",
    exit: "refused",
    details: [...new Set(details)],
    hint: `What was deployed: coldtivate history ${environment}. What serves: coldtivate status ${environment}`,
  });
}
