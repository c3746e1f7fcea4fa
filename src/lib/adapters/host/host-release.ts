import { ColdtivateError } from "../../errors.ts";
import { parseFields } from "../../host/observation.ts";
import { checkKept } from "../../host/past.ts";
import { runVerb } from "./host-verbs.ts";
import type { HostConnection } from "../ssh/ssh.ts";

/**
 * The files of a release on its host, by path in its folder.
 *
 * @param name of the Compose project
 * @param release its id; `current` for the serving release
 */
export async function readRelease(
  connection: HostConnection,
  name: string,
  release: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const { code, bytes, told } = await runVerb(connection, name, ["kept_release", release], { signal, needsState: false });
  if (code === 0) return checkKept(connection.host, parseFields(connection.host, bytes));
  const which = release === "current" ? "the release that serves" : `release ${release}`;
  throw new ColdtivateError(`${connection.host}: ${which} cannot be read`, {
    code: "RELEASE_INCOMPLETE",
    exit: "refused",
    details: told,
    hint: "Deploy its commit again: that writes all of its files anew.",
  });
}
