import { readAnswer, releaseSchema } from "../../common/host-answer.ts";
import { parseJournalLine, whileAtWork, type JournalLine } from "./host.ts";
import { runVerb } from "./host-verbs.ts";
import type { HostConnection } from "../ssh/ssh.ts";

export interface FollowOptions {
  /** Name of the Compose project. */
  name: string;
  /** Told before the first line: the release that somebody works on, and its plan.json, `{}` where it has none. */
  onRelease(release: string, plan: string): void;
  onLine(line: JournalLine): void;
  /** Aborted: it is no longer followed. */
  signal: AbortSignal;
}

/**
 * Follows the release that somebody works on, with the whole of its journal, to its end.
 *
 * @returns as the script's `follow`; 3 where nobody is at work
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
    // A sign of life is no part of the journal.
    if (entry !== undefined && entry.state !== "alive") input.onLine(entry);
  };
  return runVerb(connection, input.name, ["attach"], { signal: input.signal, onLine, ...whileAtWork });
}
