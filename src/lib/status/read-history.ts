import { runVerb } from "../adapters/host-verbs.ts";
import type { HostConnection } from "../adapters/ssh.ts";
import { parseHistory } from "../release/history.ts";
import type { HostHistory } from "./format-history.ts";

/**
 * The deploys that a host knows of.
 *
 * @param limit the newest so many
 */
export async function readHistory(connection: HostConnection, name: string, limit: number, signal: AbortSignal): Promise<HostHistory> {
  const { stdout } = await runVerb(connection, name, ["history"], { signal });
  const [current = "", ...entries] = stdout.split("\n");
  return {
    host: connection.host,
    current: current.replace(/^-$/, ""),
    deploys: parseHistory(entries.join("\n")).toReversed().slice(0, limit),
  };
}
