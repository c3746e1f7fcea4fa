import { ColdtivateError } from "../../errors.ts";
import type { HostProgress } from "./host-progress.ts";

/**
 * The user has left, and the hosts are on their own: says how far they are.
 *
 * @param isUndone whether they wait for one another, and take everything back when nobody coordinates them
 */
export function leftAlone(
  environment: string,
  followed: readonly { release: string; story: HostProgress }[],
  isUndone = false,
): ColdtivateError {
  const releases = [...new Set(followed.map(({ release }) => release))].join(", ");
  const becomes = isUndone ? "is taken back by the hosts, which nobody coordinates any more" : "goes on without you";
  return new ColdtivateError(releases === "" ? "detached" : `detached: release ${releases} ${becomes}`, {
    code: "DETACHED",
    exit: "interrupted",
    details: followed.map(({ story: { host, progress } }) => `${host}: ${progress}`),
    hint: `To follow it: coldtivate attach ${environment}.${isUndone ? "" : ` To undo it: coldtivate abort ${environment}`}`,
  });
}
