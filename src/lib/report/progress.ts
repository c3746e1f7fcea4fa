/** How many lines of what runs for a row are kept, so that its failure can show them: the last ones. */
export const keptLines = 20;

/** A line of the display: an image that is built, a step on a host. */
export interface Row {
  id: string;
  title: string;
}

/** A group of rows that belong together: a host, a stage. */
export interface Section {
  id: string;
  title: string;
  rows: Row[];
}

/** What happens while a plan is carried out; the only thing a reporter gets to know. */
export type ProgressEvent = Happening & {
  /** How long ago it was, in milliseconds, where it is told afterwards. */
  ago?: number;
};

type Happening =
  | { type: "planned"; sections: Section[] }
  | { type: "started"; row: string; text?: string }
  | { type: "updated"; row: string; text: string }
  | { type: "done"; row: string; text?: string }
  | { type: "skipped"; row: string; text?: string }
  /** With `output`, that is what failed, and not all that was written for the row. */
  | { type: "failed"; row: string; text?: string; output?: readonly string[] }
  /** Output of whatever runs for a row: shown as it comes in plain mode, and kept for the error otherwise. */
  | { type: "output"; row: string; line: string }
  /** A question that waits for an answer, until there is one. */
  | { type: "asked"; text: string }
  | { type: "answered" }
  | { type: "note"; text: string }
  | { type: "warning"; text: string };

/** Shows progress on standard error; decides nothing. */
export interface Reporter {
  emit(event: ProgressEvent): void;
  /** Draws what is left and gives the terminal back; `emit` after it is ignored. */
  close(): Promise<void>;
}

/** A reporter on a screen or in a log. */
export interface ScreenReporter extends Reporter {
  /** Output of rows that failed, which it has shown: an error need not repeat it. */
  failedOutput(): ReadonlySet<string>;
}
