import type { ProgressState, ProgressRow, ProgressSection, RowState } from "../progress-state.ts";
import { formatDuration } from "../duration.ts";
import type { Palette } from "../palette.ts";
import { cutToWidth, padToWidth, widthOf } from "../width.ts";

export interface TextOptions {
  palette: Palette;
  /** Available columns. */
  width: number;
}

/**
 * Formats a row: its title, aligned with the others in its section, its current text, and its duration, which is never cut off.
 */
export function formatRow(row: ProgressRow, board: ProgressState, { palette, width }: TextOptions): string {
  const widest = Math.max(...row.section.rows.map(({ title }) => widthOf(title)));
  const took = row.startedAt === undefined || row.state === "skipped" ? "" : formatDuration(board.elapsed(row));
  const left = width - (took === "" ? 0 : widthOf(took) + 2);
  const column = row.text === "" ? left : Math.floor(width / 2);
  const title = padToWidth(cutToWidth(row.title, column), Math.min(widest, column));
  const text = cutToWidth(row.text, Math.max(0, left - widthOf(title) - 2));
  return [title, paint(text, row.state, palette), palette.faint(took)]
    .filter((part) => part !== "")
    .join("  ")
    .trimEnd();
}

/** Formats a section: its title, how many of its rows are finished, and its duration. */
export function formatSection(section: ProgressSection, board: ProgressState, { palette, width }: TextOptions): string {
  const finished = section.rows.filter(({ state }) => state === "done" || state === "skipped").length;
  const count = `${finished}/${section.rows.length}`;
  const begun = section.rows.some(({ startedAt }) => startedAt !== undefined);
  const took = begun ? formatDuration(board.sectionElapsed(section)) : "";
  return `${palette.strong(cutToWidth(section.title, width - count.length - took.length - 4))}  ${palette.faint(`${count}  ${took}`.trimEnd())}`;
}

function paint(text: string, state: RowState, palette: Palette): string {
  if (text === "") return "";
  if (state === "failed") return palette.bad(text);
  return state === "running" ? text : palette.faint(text);
}
