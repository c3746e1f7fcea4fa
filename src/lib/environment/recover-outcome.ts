import { ColdtivateError } from "../errors.ts";
import type { RecoveredHost } from "./recover.ts";

/**
 * Describes what each host serves, in one line per host.
 *
 * @param unreachable why the other hosts could not be asked
 * @throws ColdtivateError if not all of them serve one release: RECOVERY_REFUSED or RECOVERY_INCOMPLETE
 */
export function describeRecovery(environment: string, hosts: readonly RecoveredHost[], unreachable: readonly unknown[]): string {
  const lines = hosts.flatMap(describeHost);
  const troubled = hosts.filter(({ trouble }) => trouble.length > 0);
  if (troubled.length === 0 && unreachable.length === 0) return lines.join("\n");
  const details = [...lines, ...unreachable.map((error) => (error instanceof Error ? error.message : String(error)))];
  if (unreachable.length === 0 && hosts.every(({ refused }) => refused !== undefined)) {
    throw new ColdtivateError(`${environment} cannot be recovered now`, {
      code: "RECOVERY_REFUSED",
      exit: "refused",
      details,
      hint: `Once the reason is gone: coldtivate recover ${environment}`,
    });
  }
  throw new ColdtivateError(`${environment}: not every host could be recovered`, {
    code: "RECOVERY_INCOMPLETE",
    exit: "mixed",
    details,
    hint: `Correct what the hosts say, then run it again: coldtivate recover ${environment}. A deploy makes them serve one release, too.`,
  });
}

function describeHost({ host, current, settled, trouble, isUnknown }: RecoveredHost): string[] {
  if (isUnknown === true) return [`${host}: what it serves is not known`, ...trouble.map((line) => `  ${line}`)];
  const serves = current === "" ? "no release serves" : `serves ${current}`;
  const ends = settled.map(({ release, outcome }) => `${release} was interrupted: ${outcome}`);
  return [`${host}: ${[serves, ...ends].join("; ")}`, ...trouble.map((line) => `  ${line}`)];
}
