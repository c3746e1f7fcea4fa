import { ColdtivateError } from "../errors.ts";
import { parseFields } from "../release/observation.ts";
import { parseRelease, type KeptRelease } from "../release/kept-release.ts";
import { bash } from "./host.ts";
import type { HostConnection } from "./ssh.ts";

/**
 * The release that serves, as its host keeps it.
 *
 * @param name of the Compose project
 */
export async function readRelease(connection: HostConnection, name: string, signal: AbortSignal): Promise<KeptRelease> {
  const command = bash(
    `cd "$HOME/.coldtivate/${name}/current/" && shopt -s nullglob && ` +
      `for f in compose.json plan.whole fronts/*; do printf "%s\\t%s\\n" "$f" "$(stat -c %s "$f")" && cat "$f" && echo || exit; done`,
  );
  const { code, stdout, stderr } = await connection.exec(command, { signal });
  if (code === 0) return parseRelease(parseFields(stdout));
  throw new ColdtivateError(`${connection.host}: the release that serves cannot be read`, {
    code: "RELEASE_INCOMPLETE",
    exit: "refused",
    details: stderr.trim().split("\n"),
    hint: "Nothing was changed. Deploy its commit again: that writes all of its files anew.",
  });
}
