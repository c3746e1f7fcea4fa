import type { ProgressRow, ProgressSection, RowState } from "./progress-state.ts";

/** The order in which rows are shown if there is not room for all. */
const urgency: readonly RowState[] = ["failed", "running", "done", "waiting", "skipped"];

/**
 * Chooses the rows to show on a small screen: failed and running ones first, then the ones that ended last.
 * @param height the number of lines for rows
 * @returns the rows, and a summary of the hidden ones; empty if none are hidden
 */
export function fitRows(sections: readonly ProgressSection[], height: number): { shown: ReadonlySet<ProgressRow>; hidden: string } {
  const rows = sections.flatMap((section) => section.rows);
  if (rows.length <= height) return { shown: new Set(rows), hidden: "" };
  const urgent = rows.toSorted((a, b) => urgency.indexOf(a.state) - urgency.indexOf(b.state) || (b.endedAt ?? 0) - (a.endedAt ?? 0));
  // One line is for the summary of the hidden rows.
  const room = Math.max(1, height - 1);
  const hidden = urgency
    .map((state) => ({ state, count: urgent.slice(room).filter((row) => row.state === state).length }))
    .filter(({ count }) => count > 0)
    .map(({ state, count }) => `${count} ${state}`);
  return { shown: new Set(urgent.slice(0, room)), hidden: `… ${hidden.join(", ")}` };
}
