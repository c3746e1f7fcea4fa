import { clean } from "./clean.ts";
import { widthOf } from "./width.ts";
import { keptLines, type ProgressEvent, type Row, type Section } from "./progress.ts";

export type RowState = "waiting" | "running" | "done" | "skipped" | "failed";

/** The state of a row. Times are in milliseconds of the given clock. */
export interface ProgressRow extends Row {
  section: ProgressSection;
  state: RowState;
  text: string;
  startedAt?: number;
  endedAt?: number;
  /** The last lines of its output. */
  output: string[];
}

export interface ProgressSection {
  id: string;
  title: string;
  rows: ProgressRow[];
}

/** The state of the display, which all reporters share. */
export class ProgressState {
  readonly sections: ProgressSection[] = [];
  readonly #rows = new Map<string, ProgressRow>();
  readonly #now: () => number;
  /** Width of the widest title of a row and of a section planned so far, in columns. */
  rowWidth = 0;
  sectionWidth = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Applies an event.
   * @returns the event with clean texts, and its row; an unplanned row is created in a section without a title
   */
  apply(event: ProgressEvent): { event: ProgressEvent; row?: ProgressRow } {
    const told = cleanEvent(event);
    if (told.type === "planned") for (const section of told.sections) this.#plan(section);
    if (!("row" in told)) return { event: told };
    const row = this.#rows.get(told.row) ?? this.#improvise(told.row);
    this.#update(row, told);
    return { event: told, row };
  }

  /** How long a row has been running or ran, in milliseconds. */
  elapsed(row: ProgressRow): number {
    return row.startedAt === undefined ? 0 : (row.endedAt ?? this.#now()) - row.startedAt;
  }

  /** How long a section has been running: from the start of its first row to the end of its last one, in milliseconds. */
  sectionElapsed({ rows }: ProgressSection): number {
    const starts = rows.map(({ startedAt }) => startedAt).filter((start) => start !== undefined);
    if (starts.length === 0) return 0;
    const ends = rows.map(({ state, startedAt, endedAt }) => endedAt ?? (state === "running" ? this.#now() : (startedAt ?? 0)));
    return Math.max(...ends) - Math.min(...starts);
  }

  /** The kept output of rows that failed. */
  failedOutput(): ReadonlySet<string> {
    return new Set(this.sections.flatMap(({ rows }) => rows).flatMap(({ state, output }) => (state === "failed" ? output : [])));
  }

  #plan(section: Section): ProgressSection {
    let known = this.sections.find(({ id }) => id === section.id);
    if (!known) this.sections.push((known = { id: section.id, title: section.title, rows: [] }));
    this.sectionWidth = Math.max(this.sectionWidth, widthOf(section.title));
    for (const { id, title } of section.rows) {
      if (this.#rows.has(id)) continue;
      const row: ProgressRow = { id, title, section: known, state: "waiting", text: "", output: [] };
      known.rows.push(row);
      this.rowWidth = Math.max(this.rowWidth, widthOf(title));
      this.#rows.set(id, row);
    }
    return known;
  }

  #improvise(id: string): ProgressRow {
    return this.#plan({ id: "", title: "", rows: [{ id, title: clean(id) }] }).rows.at(-1)!;
  }

  #update(row: ProgressRow, event: Exclude<ProgressEvent, { type: "planned" | "asked" | "answered" | "note" | "warning" }>): void {
    const at = this.#now() - (event.ago ?? 0);
    if (event.type === "output") {
      row.output.push(event.line);
      if (row.output.length > keptLines) row.output.shift();
      return;
    }
    if (event.text !== undefined) row.text = event.text;
    row.startedAt ??= at;
    if (event.type === "started" || event.type === "updated") {
      row.state = "running";
      delete row.endedAt;
      return;
    }
    if (event.type === "failed" && event.output !== undefined) row.output = event.output.slice(-keptLines);
    row.state = event.type;
    row.endedAt = at;
  }
}

function cleanEvent(event: ProgressEvent): ProgressEvent {
  switch (event.type) {
    case "answered":
      return event;
    case "planned":
      return { ...event, sections: event.sections.map(cleanSection) };
    case "output":
      return { ...event, line: clean(event.line) };
    case "failed": {
      const { text, output, ...rest } = event;
      return { ...rest, ...(text !== undefined && { text: clean(text) }), ...(output && { output: output.map(clean) }) };
    }
    default:
      return event.text === undefined ? event : { ...event, text: clean(event.text) };
  }
}

function cleanSection({ id, title, rows }: Section): Section {
  return { id, title: clean(title), rows: rows.map((row) => ({ id: row.id, title: clean(row.title) })) };
}
