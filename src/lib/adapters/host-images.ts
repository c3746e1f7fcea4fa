import { ColdtivateError } from "../errors.ts";
import { lines } from "./host.ts";
import { bash } from "./remote-shell.ts";
import type { HostConnection } from "./ssh.ts";

/**
 * Digests of all images that the releases kept on a host name: what it runs, and what it may go back to.
 *
 * @param name of the Compose project
 * @throws ColdtivateError RELEASE_INCOMPLETE when they cannot be read
 */
export async function readKeptImages(connection: HostConnection, name: string, signal: AbortSignal): Promise<string[]> {
  const command = bash(
    `cd "$HOME/.coldtivate/${name}/releases" 2>/dev/null || { [ ! -e "$HOME/.coldtivate/${name}" ]; exit; }; ` +
      `grep -rhoE --include=images --include=compose.json --include=manifest.json "sha256:[0-9a-f]{64}" . || [ $? = 1 ]`,
  );
  const { code, stdout, stderr } = await connection.exec(command, { signal });
  if (code === 0) return [...new Set(lines(stdout.toString()))];
  throw new ColdtivateError(`${connection.host}: the releases that are kept there cannot be read`, {
    code: "RELEASE_INCOMPLETE",
    exit: "refused",
    details: lines(stderr),
    hint: "Correct what the host says, then run the same command again.",
  });
}
