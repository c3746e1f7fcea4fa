import * as z from "zod";
import { runVerb } from "../adapters/host/host-verbs.ts";
import type { HostConnection } from "../adapters/ssh/ssh.ts";
import { ColdtivateError } from "../errors.ts";
import { readAnswer, releaseSchema } from "../common/host-answer.ts";
import { parseHistory } from "../host/history.ts";
import type { HostHistory } from "./format-history.ts";

const currentSchema = z.union([z.literal("-"), releaseSchema]);

/**
 * Reads the deploys that a host knows of.
 *
 * @param limit the number of deploys to return, the newest ones
 * @throws ColdtivateError NOTHING_DEPLOYED, HOST_NOT_READY, HOST_ANSWER
 */
export async function readHistory(connection: HostConnection, name: string, limit: number, signal: AbortSignal): Promise<HostHistory> {
  const { code, stdout, told } = await runVerb(connection, name, ["history"], { signal });
  if (code !== 0) throw unanswered(connection.host, told);
  const [serving = "", ...entries] = stdout.split("\n");
  const current = readAnswer(connection.host, "the release that serves", currentSchema, serving);
  return {
    host: connection.host,
    current: current === "-" ? "" : current,
    deploys: parseHistory(entries.join("\n")).toReversed().slice(0, limit),
  };
}

function unanswered(host: string, told: readonly string[]): ColdtivateError {
  return new ColdtivateError(`${host}: it cannot tell what was deployed there`, {
    code: "HOST_NOT_READY",
    exit: "refused",
    details: told,
    hint: "Correct what the host says, then run the same command again.",
  });
}
