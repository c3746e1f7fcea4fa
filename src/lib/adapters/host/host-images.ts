import * as z from "zod";
import { ColdtivateError } from "../../errors.ts";
import { plainLines, readAnswer } from "../../common/host-answer.ts";
import { runVerb } from "./host-verbs.ts";
import type { HostConnection } from "../ssh/ssh.ts";

const digests = z.array(z.string().regex(/^sha256:[0-9a-f]{64}$/));

/**
 * Digests of all images that the releases on a host name: what it runs, and what it may go back to.
 *
 * @param name of the Compose project
 * @throws ColdtivateError RELEASE_INCOMPLETE if they cannot be read; HOST_ANSWER
 */
export async function readKeptImages(connection: HostConnection, name: string, signal: AbortSignal): Promise<string[]> {
  const { code, stdout, told } = await runVerb(connection, name, ["kept_images"], { signal, needsState: false });
  if (code === 0) return readAnswer(connection.host, "what it keeps", digests, [...new Set(plainLines(stdout))]);
  throw new ColdtivateError(`${connection.host}: the releases that are kept there cannot be read`, {
    code: "RELEASE_INCOMPLETE",
    exit: "refused",
    details: told,
    hint: "Correct what the host says, then run the same command again.",
  });
}
