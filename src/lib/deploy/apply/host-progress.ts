import type { JournalLine } from "../../adapters/host/host.ts";
import type { ShownPlan } from "../../plan/steps/plan.ts";
import { keptLines, type ProgressEvent, type Reporter } from "../../report/progress.ts";

/** Shows the steps of all hosts, before the first one begins. */
export function announceSteps(hosts: readonly Pick<ShownPlan, "host" | "steps">[], reporter: Reporter): void {
  reporter.emit({
    type: "planned",
    sections: hosts.map((host) => ({
      id: host.host,
      title: host.host,
      rows: host.steps.map((step, index) => ({ id: rowId(host.host, index + 1), title: step.title })),
    })),
  });
}

function rowId(host: string, step: number): string {
  return `${host}/${step}`;
}

/** A host whose release began with an older coldtivate says only in words for people that it was aborted. */
const olderAbort = /^aborted(?: by |$)(?<who>.*)/;

/**
 * Turns a host's journal into progress events, and collects what an error message needs. Steps that were over before the journal
 * was read keep their original times.
 */
export class HostProgress {
  readonly #output = new Map<number, string[]>();
  readonly #plan: Pick<ShownPlan, "host" | "steps">;
  readonly #reporter: Reporter;
  failed: { step: number; detail: string; isAbort: boolean } | undefined;
  undone = false;
  /** Who aborted the release, such as `ann from laptop`; empty if they did not say. Undefined if nobody did. */
  abortedBy: string | undefined;
  /** `busy` or `stale`: the reason for a temporary refusal. */
  refused: string | undefined;
  /** Whether the release could be neither finished nor undone. */
  isBroken = false;
  #step = 0;
  /** The host's time when it began to send its journal, if it said so; microseconds since the epoch. */
  #told = 0;

  constructor(plan: Pick<ShownPlan, "host" | "steps">, reporter: Reporter) {
    this.#plan = plan;
    this.#reporter = reporter;
  }

  tell(line: JournalLine): void {
    if (line.state === "failed" || line.state === "undone") this.abortedBy ??= olderAbort.exec(line.detail)?.groups?.["who"];
    if (line.step === 0) return this.#tellEnd(line);
    if (line.state === "begin") this.#step = line.step;
    const row = rowId(this.#plan.host, line.step);
    const emit = (event: ProgressEvent) => this.#reporter.emit({ ...event, ...this.#age(line) });
    switch (line.state) {
      case "begin":
        return emit({ type: "started", row });
      case "note":
        return emit({ type: "updated", row, text: shortenDigests(line.detail) });
      case "log":
        this.#keep(line);
        return emit({ type: "output", row, line: line.detail });
      case "done":
        return emit({ type: "done", row });
      case "failed":
        this.failed ??= { step: line.step, detail: line.detail, isAbort: this.abortedBy !== undefined };
        return emit({ type: "failed", row, text: line.detail });
      case "undone":
        if (!this.undone) emit({ type: "note", text: `${this.#plan.host}: undoing what was begun` });
        this.undone = true;
        return;
      case "stuck":
        return emit({ type: "warning", text: `${this.#plan.host}: cannot undo "${this.title(line.step)}": ${line.detail}` });
      default:
    }
  }

  /** Keeps only the last lines. A task may write any number of them, and the journal on the host has them all. */
  #keep({ step, detail }: JournalLine): void {
    const lines = this.#output.get(step) ?? [];
    lines.push(detail);
    if (lines.length > keptLines) lines.shift();
    this.#output.set(step, lines);
  }

  /** How old a line was when the host sent it. Only the host's own clock counts. */
  #age({ time }: JournalLine): { ago?: number } {
    return this.#told > time ? { ago: (this.#told - time) / 1000 } : {};
  }

  #tellEnd({ time, state, detail }: JournalLine): void {
    if (state === "now") this.#told = time;
    if (state === "aborted") this.abortedBy = detail;
    if (state === "refused") this.refused = detail;
    this.isBroken = state === "broken";
  }

  get host(): string {
    return this.#plan.host;
  }

  /** The step that the host has reached. */
  get progress(): string {
    if (this.undone || this.failed !== undefined) return "undoing what was begun";
    return this.#step === 0 ? "beginning" : `step ${this.#step} of ${this.#plan.steps.length}: ${this.title(this.#step)}`;
  }

  title(step: number): string {
    return this.#plan.steps[step - 1]?.title ?? `step ${step}`;
  }

  /** The last lines that a step wrote. */
  output(step: number): readonly string[] {
    return this.#output.get(step) ?? [];
  }
}

/** Shortens image names for people, to the last part and the beginning of the digest. */
function shortenDigests(text: string): string {
  return text.replaceAll(/\S*\/([^\s/@]+)@(sha256:[0-9a-f]{8})[0-9a-f]*/g, "$1@$2");
}
