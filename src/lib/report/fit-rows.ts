import type { ProgressRow, ProgressSection, RowState } from "./progress-state.ts";

/** What must be seen first where there is no room for all. */
const urgency: readonly RowState[] = ["failed", "running", "done", "waiting", "skipped"];

/**
 * Chooses the rows to show on a screen of few lines: what failed and what runs, then what was done last.
 * @param height lines that there are for rows
 * @returns the rows, and what to say of the others; empty when there are none
 */
export function fitRows(sections: readonly ProgressSection[], height: number): { shown: ReadonlySet<ProgressRow>; hidden: string } {
  const rows = sections.flatMap((section) => section.rows);
  if (rows.length <= height) return { shown: new Set(rows), hidden: "" };
  const urgent = rows.toSorted((a, b) => urgency.indexOf(a.state) - urgency.indexOf(b.state) || (b.endedAt ?? 0) - (a.endedAt ?? 0));
  // One line says what is missing.
  const room = Math.max(1, height - 1);
  const hidden = urgency
    .map((state) => ({ state, count: urgent.slice(room).filter((row) => row.state === state).length }))
    .filter(({ count }) => count > 0)
    .map(({ state, count }) => `${count} ${state}`);
  return { shown: new Set(urgent.slice(0, room)), hidden: `… ${hidden.join(", ")}` };
}
