import { ProgressState, type ProgressRow, type ProgressSection } from "../progress-state.ts";
import type { Palette } from "../palette.ts";
import type { ScreenReporter } from "../progress.ts";
import { formatRow, formatSection } from "./row-text.ts";
import { SectionList } from "./section-list.ts";

export interface TerminalOptions {
  stream: typeof process.stderr;
  palette: Palette;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Sections and their rows, redrawn in place by listr2, which only knows the progress state. */
export function createTerminalReporter({ stream, palette, now }: TerminalOptions): ScreenReporter {
  const board = new ProgressState(now);
  const remarks: string[] = [];
  let question: string[] = [];
  const list = new SectionList(stream, palette, {
    sections: () => board.sections,
    title: (section, width) => formatSection(section, board, { palette, width }),
    text: (row, width) => formatRow(row, board, { palette, width }),
    remarks: () => [...remarks, ...question],
  });
  let closed: Promise<void> | undefined;

  return {
    emit(event) {
      if (closed) return;
      const { event: clean } = board.apply(event);
      if (clean.type === "asked") question = [palette.strong(clean.text)];
      if (clean.type === "answered") question = [];
      if (clean.type === "note") remarks.push(clean.text);
      if (clean.type === "warning") remarks.push(palette.caution(`warning: ${clean.text}`));
    },
    close() {
      closed ??= end(list, board, { stream, palette });
      return closed;
    },
    failedOutput: () => board.failedOutput(),
  };
}

async function end(
  list: SectionList,
  board: ProgressState,
  { stream, palette }: Pick<TerminalOptions, "stream" | "palette">,
): Promise<void> {
  await list.end();
  for (const row of board.sections.flatMap(({ rows }) => rows)) {
    if (row.state !== "failed" || row.output.length === 0) continue;
    stream.write(`${palette.strong(nameOf(row, row.section))}, its last lines:\n`);
    stream.write(row.output.map((line) => `  ${palette.faint("│")} ${line}\n`).join(""));
  }
}

function nameOf(row: ProgressRow, section: ProgressSection): string {
  return section.title === "" ? row.title : `${section.title}, ${row.title}`;
}
