import * as z from "zod";
import { ColdtivateError } from "../../errors.ts";
import { plainLines, readAnswer } from "../../common/host-answer.ts";
import { bash } from "../ssh/remote-shell.ts";
import type { HostConnection } from "../ssh/ssh.ts";

const digests = z.array(z.string().regex(/^sha256:[0-9a-f]{64}$/));

/**
 * Digests of all images that the releases on a host name: what it runs, and what it may go back to.
 *
 * @param name of the Compose project
 * @throws ColdtivateError RELEASE_INCOMPLETE if they cannot be read; HOST_ANSWER
 */
export async function readKeptImages(connection: HostConnection, name: string, signal: AbortSignal): Promise<string[]> {
  const command = bash(
    `cd "$HOME/.coldtivate/${name}/releases" 2>/dev/null || { [ ! -e "$HOME/.coldtivate/${name}" ]; exit; }; ` +
      `grep -rhoE --include=images --include=compose.json --include=manifest.json "sha256:[0-9a-f]{64}" . || [ $? = 1 ]`,
  );
  const { code, stdout, stderr } = await connection.exec(command, { signal });
  if (code === 0) return readAnswer(connection.host, "what it keeps", digests, [...new Set(plainLines(stdout.toString()))]);
  throw new ColdtivateError(`${connection.host}: the releases that are kept there cannot be read`, {
    code: "RELEASE_INCOMPLETE",
    exit: "refused",
    details: plainLines(stderr),
    hint: "Correct what the host says, then run the same command again.",
  });
}
