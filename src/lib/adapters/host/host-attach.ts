import { readAnswer, releaseSchema } from "../../common/host-answer.ts";
import { parseJournalLine, whileAtWork, type JournalLine } from "./host.ts";
import { runVerb } from "./host-verbs.ts";
import type { HostConnection } from "../ssh/ssh.ts";

export interface FollowOptions {
  /** Name of the Compose project. */
  name: string;
  /** Called before the first line, with the release in progress and its plan.json, or `{}` if it has none. */
  onRelease(release: string, plan: string): void;
  onLine(line: JournalLine): void;
  /** Once aborted, the release is no longer followed. */
  signal: AbortSignal;
}

/**
 * Follows the release in progress to its end, with the whole of its journal.
 *
 * @returns as the script's `follow`; 3 if no release is in progress
 * @throws ColdtivateError HOST_ANSWER, HOST_SILENT
 */
export async function attachToRelease(connection: HostConnection, input: FollowOptions): Promise<{ code: number; told: string[] }> {
  const header: string[] = [];
  const onLine = (line: string) => {
    if (header.length < 2) {
      header.push(line);
      if (header.length === 2) input.onRelease(readAnswer(connection.host, "the release that it follows", releaseSchema, header[0]), line);
      return;
    }
    const entry = parseJournalLine(line);
    // A sign of life is not part of the journal.
    if (entry !== undefined && entry.state !== "alive") input.onLine(entry);
  };
  return runVerb(connection, input.name, ["attach"], { signal: input.signal, onLine, ...whileAtWork });
}
