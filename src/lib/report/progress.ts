/** How many of the last lines of a row's output are kept, to be shown if it fails. */
export const keptLines = 20;

/** A line of the display, such as an image being built or a step on a host. */
export interface Row {
  id: string;
  title: string;
}

/** A group of related rows: a host, or a stage. */
export interface Section {
  id: string;
  title: string;
  rows: Row[];
}

/** An event while a plan is carried out. Reporters get no other information. */
export type ProgressEvent = Happening & {
  /** How long ago it happened, in milliseconds, if it is reported late. */
  ago?: number;
};

type Happening =
  | { type: "planned"; sections: Section[] }
  | { type: "started"; row: string; text?: string }
  | { type: "updated"; row: string; text: string }
  | { type: "done"; row: string; text?: string }
  | { type: "skipped"; row: string; text?: string }
  /** `output` is the output that shows the failure, not everything that was written for the row. */
  | { type: "failed"; row: string; text?: string; output?: readonly string[] }
  /** Output of a row. Plain mode shows it as it comes; other modes keep it for the error. */
  | { type: "output"; row: string; line: string }
  /** A question, shown until it is answered. */
  | { type: "asked"; text: string }
  | { type: "answered" }
  | { type: "note"; text: string }
  | { type: "warning"; text: string };

/** Shows progress on standard error. Makes no decisions. */
export interface Reporter {
  emit(event: ProgressEvent): void;
  /** Draws the rest and restores the terminal. Later calls of `emit` are ignored. */
  close(): Promise<void>;
}

/** A reporter on a screen or in a log. */
export interface ScreenReporter extends Reporter {
  /** The output of failed rows that was already shown, so that an error need not repeat it. */
  failedOutput(): ReadonlySet<string>;
}
