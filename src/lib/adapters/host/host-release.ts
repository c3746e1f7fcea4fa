import { ColdtivateError } from "../../errors.ts";
import { plainLines } from "../../common/host-answer.ts";
import { parseFields } from "../../host/observation.ts";
import { checkKept } from "../../host/past.ts";
import { ownScript } from "./host-script.ts";
import { bash, inOctal, shellWord } from "../ssh/remote-shell.ts";
import type { HostConnection } from "../ssh/ssh.ts";

/** The part of the script that reads a release. */
const part = "kept-release.sh";

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
  const folder = release === "current" ? release : `releases/${shellWord(release)}`;
  const { content } = (await ownScript()).find(({ path }) => path.endsWith(`/${part}`))!;
  const command = bash(
    `printf -v asking %b "${inOctal(content.toString())}"; eval "$asking"; tell_release "$HOME/.coldtivate/${name}/${folder}/"`,
  );
  const { code, stdout, stderr } = await connection.exec(command, { signal });
  if (code === 0) return checkKept(connection.host, parseFields(connection.host, stdout));
  const which = release === "current" ? "the release that serves" : `release ${release}`;
  throw new ColdtivateError(`${connection.host}: ${which} cannot be read`, {
    code: "RELEASE_INCOMPLETE",
    exit: "refused",
    details: plainLines(stderr),
    hint: "Deploy its commit again: that writes all of its files anew.",
  });
}
