import { commitName, plainWords, releaseName, thingName, timeSchema } from "../common/host-answer.ts";

/** How a deploy came to its end: the release serves; what served before serves; a person is needed. */
export type Outcome = "finished" | "undone" | "broken";

/** One deploy of the past, as a host wrote it down. */
export interface HistoryEntry {
  release: string;
  outcome: Outcome;
  /** ISO 8601, UTC, whole seconds. */
  began: string;
  ended: string;
  /** Who deployed, and from where: `ann from laptop`. */
  by: string;
  /** 40 characters. */
  commit?: string;
  /** Tag or branch. */
  ref?: string;
  /** The release that it went back to. */
  rollback?: string;
  /** The services that were to be changed. */
  changed: string[];
}

/** Reads a host's history, oldest first. Lines that are none are left out, and words that cannot be; older lines lack the last fields. */
export function parseHistory(text: string): HistoryEntry[] {
  return text.split("\n").flatMap((line): HistoryEntry[] => {
    const [began, ended, release, outcome, by = "", commit, ref, changed, rollback] = line.split("\t");
    if (!isTime(began) || !isTime(ended) || release === undefined || !releaseName.test(release) || !isOutcome(outcome)) return [];
    return [
      {
        release,
        outcome,
        began,
        ended,
        by: plainWords(by),
        ...(isGiven(commit) && commitName.test(commit) ? { commit } : {}),
        ...(isGiven(ref) ? { ref: plainWords(ref) } : {}),
        ...(isGiven(rollback) && releaseName.test(rollback) ? { rollback } : {}),
        changed: isGiven(changed) ? changed.split(" ").filter((service) => thingName.test(service)) : [],
      },
    ];
  });
}

function isTime(text: string | undefined): text is string {
  return timeSchema.safeParse(text).success;
}

function isOutcome(word: string | undefined): word is Outcome {
  return word === "finished" || word === "undone" || word === "broken";
}

/** A dash stands for nothing. */
function isGiven(field: string | undefined): field is string {
  return field !== undefined && field !== "" && field !== "-";
}
