import { ProgressState, type ProgressRow } from "../progress-state.ts";
import { formatTime } from "../duration.ts";
import { formatEvent, type LineOptions } from "./plain.ts";
import type { ScreenReporter } from "../progress.ts";

/** The most lines of output in a section; only the last ones are kept. */
const sectionLines = 5000;

/**
 * Plain lines, with the output of each row in a collapsible section of its own. The section appears when the row ends, because
 * rows run in parallel and GitLab's sections cannot interleave. The section of a failed row is open.
 */
export function createGitlabReporter({ write, palette, now }: LineOptions): ScreenReporter {
  const board = new ProgressState(now);
  const outputs = new Map<ProgressRow, string[]>();
  let closed = false;

  const stamp = (ago = 0) => `${palette.faint(formatTime(new Date(now() - ago)))}  `;
  const writeSection = (row: ProgressRow, header: string, collapsed: boolean) => {
    const lines = outputs.get(row) ?? [];
    outputs.delete(row);
    if (lines.length === 0) return write(`${header}\n`);
    const name = sectionName(row);
    write(`section_start:${seconds(row.startedAt ?? now())}:${name}${collapsed ? "[collapsed=true]" : ""}\r\u001B[0K${header}\n`);
    write(lines.map((line) => `${line}\n`).join(""));
    write(`section_end:${seconds(row.endedAt ?? now())}:${name}\r\u001B[0K\n`);
  };

  return {
    emit(event) {
      if (closed) return;
      const { event: clean, row } = board.apply(event);
      if (clean.type === "output" && row) {
        const lines = outputs.get(row) ?? [];
        outputs.set(row, lines);
        lines.push(clean.line);
        if (lines.length > sectionLines) lines.shift();
        return;
      }
      const line = formatEvent(clean, row, board, palette);
      if (line === undefined) return;
      const ended = clean.type === "done" || clean.type === "failed" || clean.type === "skipped";
      if (ended && row) writeSection(row, stamp(clean.ago) + line, clean.type !== "failed");
      else write(`${stamp(clean.ago)}${line}\n`);
    },
    async close() {
      if (closed) return;
      closed = true;
      for (const row of outputs.keys()) writeSection(row, `${stamp()}${row.title}`, false);
    },
    failedOutput: () => board.failedOutput(),
  };
}

/** GitLab expects seconds since the epoch. */
function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}

/** GitLab allows letters, digits, `_`, `.` and `-`. */
function sectionName(row: ProgressRow): string {
  return `${row.section.id}_${row.id}`.toLowerCase().replaceAll(/[^a-z0-9_.-]+/g, "_");
}
