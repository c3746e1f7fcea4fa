import { ColdtivateError } from "../../errors.ts";
import { failureOf } from "./apply-failure.ts";
import type { AttachedEnd } from "./attach.ts";
import { fleetFailure } from "./fleet-failure.ts";

export interface EndInput {
  environment: string;
  /** Name of the Compose project. */
  project: string;
  ends: readonly AttachedEnd[];
  /** Whether this command aborted it. */
  aborted: boolean;
}

/**
 * Describes how a followed release ended, in one line per host.
 *
 * @throws ColdtivateError the same as a deploy's if a host did not finish it
 */
export function describeEnd({ environment, project, ends, aborted }: EndInput): string {
  const other = ends.find(({ code }) => code !== 0);
  if (other === undefined) return ends.map(({ plan, release }) => `${environment} on ${plan.host} serves ${release} since now.`).join("\n");
  const plan = { environment, project, release: { id: other.release, commit: "" }, hosts: [], notes: [] };
  const { again: command = "deploy", target } = other.plan;
  const again = ["coldtivate", command, environment, ...(target === undefined ? [] : [target])].join(" ");
  const facts = { isAborted: aborted, again };
  const settled = ends.map(({ told, code, ...end }) => ({ ...end, ending: { code, stderr: told.join("\n") } }));
  throw settled.length === 1 ? failureOf(plan, settled[0]!, facts) : fleetFailure(plan, settled, { ...facts, isDecided: false });
}

/**
 * Describes the result of an abort, in one line per host.
 *
 * @throws ColdtivateError ABORT_TOO_LATE if all hosts finished the release; the same as a deploy's if one could not undo it
 */
export function describeAbort(input: Omit<EndInput, "aborted">): string {
  const { environment, ends } = input;
  if (ends.every(({ code }) => code === 0)) {
    throw new ColdtivateError(`it was too late to abort: ${describeEnd({ ...input, aborted: true })}`, {
      code: "ABORT_TOO_LATE",
      exit: "refused",
      hint: `To go back: coldtivate rollback ${environment}`,
    });
  }
  if (ends.some(({ code }) => code !== 4)) return describeEnd({ ...input, aborted: true });
  return ends
    .map(
      ({ plan: { host, expect }, release }) =>
        `${release} was undone on ${host}: what served before serves${expect === "-" ? "" : `, ${expect}`}.`,
    )
    .join("\n");
}
