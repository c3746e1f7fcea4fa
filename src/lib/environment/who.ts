import { hostname, userInfo } from "node:os";
import type { CiVariables } from "../config/values/ci.ts";
import type { Who } from "../deploy/prepare/release-entries.ts";

/** Who makes a release, and from where: in a CI job, the person who started it; otherwise the user of this machine. */
export function whoDeploys(ci: CiVariables): Who {
  return { user: plain(ci.userLogin ?? userInfo().username), from: plain(ci.jobUrl ?? hostname()) };
}

/** One field of a tab-separated line. */
function plain(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim() || "-";
}

/** The same for people: `ann from laptop`. */
export function describeWho({ user, from }: Who): string {
  return `${user} from ${from}`;
}
