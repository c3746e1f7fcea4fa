import { ColdtivateError } from "../errors.ts";
import type { Story } from "./story.ts";

/** The user has left, and the hosts go on: says how far they are. */
export function leftAlone(environment: string, followed: readonly { release: string; story: Story }[]): ColdtivateError {
  const releases = [...new Set(followed.map(({ release }) => release))].join(", ");
  return new ColdtivateError(releases === "" ? "detached" : `detached: release ${releases} goes on without you`, {
    code: "DETACHED",
    exit: "interrupted",
    details: followed.map(({ story: { host, progress } }) => `${host}: ${progress}`),
    hint: `To follow it: coldtivate attach ${environment}. To undo it: coldtivate abort ${environment}`,
  });
}
