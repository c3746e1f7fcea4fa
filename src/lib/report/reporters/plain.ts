import { ProgressState, type ProgressRow } from "../progress-state.ts";
import { formatDuration, formatTime } from "../duration.ts";
import type { Palette } from "../palette.ts";
import type { ProgressEvent, ScreenReporter } from "../progress.ts";
import { padToWidth } from "../width.ts";

export interface LineOptions {
  write: (text: string) => void;
  palette: Palette;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Plain lines: `12:03:04  web  healthy (1.2 s)`. */
export function createPlainReporter({ write, palette, now }: LineOptions): ScreenReporter {
  const board = new ProgressState(now);
  let closed = false;
  return {
    emit(event) {
      if (closed) return;
      const { event: clean, row } = board.apply(event);
      const line = formatEvent(clean, row, board, palette);
      if (line !== undefined) write(`${palette.faint(formatTime(new Date(now() - (clean.ago ?? 0))))}  ${line}\n`);
    },
    async close() {
      closed = true;
    },
    failedOutput: () => board.failedOutput(),
  };
}

/** The line for an event, without the time; undefined if there is nothing new to say. */
export function formatEvent(
  event: ProgressEvent,
  row: ProgressRow | undefined,
  board: ProgressState,
  palette: Palette,
): string | undefined {
  if (event.type === "note" || event.type === "asked") return event.text;
  if (event.type === "warning") return palette.caution(`warning: ${event.text}`);
  if (event.type === "planned" || event.type === "answered" || row === undefined) return undefined;

  const label = columns(board, row);
  if (event.type === "output") return `${label}  ${palette.faint(`│ ${event.line}`)}`;
  const took = palette.faint(`(${formatDuration(board.elapsed(row))})`);
  switch (event.type) {
    case "done":
      return `${label}  ${palette.good(event.text || "done")} ${took}`;
    case "skipped":
      return `${label}  ${palette.faint(event.text || "skipped")}`;
    case "failed":
      return `${label}  ${palette.bad(event.text ? `failed: ${event.text}` : "failed")} ${took}`;
    default:
      return `${label}  ${row.text || event.type}`;
  }
}

/** Section and row in columns, as wide as the widest titles planned so far. The section is shown only if there are several. */
function columns(board: ProgressState, row: ProgressRow): string {
  const name = padToWidth(row.title, board.rowWidth);
  if (board.sections.filter(({ title }) => title !== "").length < 2) return name;
  return `${padToWidth(row.section.title, board.sectionWidth)}  ${name}`;
}
