import { ColdtivateError } from "../../errors.ts";
import { plainLines } from "../../common/host-answer.ts";
import { runVerb } from "./host-verbs.ts";
import type { HostConnection } from "../ssh/ssh.ts";

/**
 * The socket of the engine that a host's user has selected, by a context or by variables; undefined for the default socket.
 *
 * @param name of the Compose project
 * @throws ColdtivateError SOCKET_UNREACHABLE if that engine is not on a socket of the host
 */
export async function findSocket(connection: HostConnection, name: string, signal: AbortSignal): Promise<string | undefined> {
  const options = { signal, timeout: 60_000, limit: 65_536, needsState: false };
  const { code, stdout } = await runVerb(connection, name, ["engine_socket"], options);
  const endpoint = plainLines(stdout).at(-1) ?? "";
  if (code !== 0 || endpoint === "") return undefined;
  if (endpoint.startsWith("unix://")) return endpoint.slice("unix://".length);
  throw new ColdtivateError(`${connection.host}: its engine is at ${endpoint}, which cannot be looked into from here`, {
    code: "SOCKET_UNREACHABLE",
    exit: "refused",
    hint: "Choose an engine of the host itself there, with docker context use or DOCKER_HOST.",
  });
}
