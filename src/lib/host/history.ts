import { commitName, plainWords, releaseName, thingName, timeSchema } from "../common/host-answer.ts";

/**
 * How a deploy ended:
 *
 * - `finished`: the release serves,
 * - `undone`: what served before serves,
 * - `broken`: a person is needed.
 */
export type Outcome = "finished" | "undone" | "broken";

/** One past deploy, as a host recorded it. */
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
  /** The services that the deploy was to change. */
  changed: string[];
}

/** Reads a host's history, oldest first. Skips lines and words that are not valid. Older lines lack the last fields. */
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

/** A dash means that there is no value. */
function isGiven(field: string | undefined): field is string {
  return field !== undefined && field !== "" && field !== "-";
}
