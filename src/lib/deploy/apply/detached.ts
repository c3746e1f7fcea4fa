import { ColdtivateError } from "../../errors.ts";
import type { HostProgress } from "./host-progress.ts";

/**
 * The error after the user detached. It says how far the hosts are.
 *
 * @param isUndone whether the hosts wait for one another, and therefore undo everything without a coordinator
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
