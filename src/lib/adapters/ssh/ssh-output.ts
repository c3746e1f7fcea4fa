import { mark } from "./remote-shell.ts";

/** Bytes of standard output that a login shell may print before the command runs. */
const mostBefore = 256 * 1024;
/** Maximum size of a line in bytes: the plan of a release is one line. */
const longestLine = 8 * 1024 * 1024;
/** Maximum size of standard error in bytes; the end of it is kept. */
const mostComplaints = 256 * 1024;

export interface Said {
  code: number;
  stdout: Buffer;
  stderr: string;
  /**
   * Whether something else ran in place of the command and produced the output: a login shell that refuses, or a forced command.
   */
  isForeign?: true;
}

/** A command printed more than the limit allows. */
export class TooMuch extends Error {
  constructor(limit: number, what = "it said") {
    super(`${what} more than ${limit} bytes`);
  }
}

/** The output of a command from its start on, whenever somebody begins to listen. It never exceeds the limit. */
export class Output {
  readonly #stdout = new Bytes();
  readonly #stderr = new Bytes();
  readonly #onExcess: (error: Error) => void;
  #lines: LineSplitter | undefined;
  #said = 0;
  #limit: number;
  #hasEnded = false;
  /** Why no more output is accepted. */
  failure: Error | undefined;
  /** Whether the output so far may come from a start-up file. It is kept in case no command runs at all. */
  #awaitsMark: boolean;

  /** @param onExcess receives the reason why no more output is accepted: there was too much, or the reader of the lines failed */
  constructor(awaitsMark: boolean, limit: number, onExcess: (error: Error) => void) {
    this.#awaitsMark = awaitsMark;
    this.#limit = limit;
    this.#onExcess = onExcess;
  }

  say(chunk: Buffer): void {
    if (this.failure !== undefined) return;
    this.#said += chunk.length;
    if (this.#said > this.#limit) return this.#giveUp(new TooMuch(this.#limit));
    if (this.#awaitsMark) this.#findMark(chunk);
    else this.#take(chunk);
  }

  complain(chunk: Buffer): void {
    if (this.failure !== undefined) return;
    this.#stderr.append(chunk);
    if (this.#stderr.length > 2 * mostComplaints) this.#stderr.keepLast(mostComplaints);
  }

  /** @param limit maximum size of all output, in bytes */
  listen(limit: number, onLine: ((line: string) => void) | undefined): void {
    this.#limit = limit;
    if (this.#said > limit) return this.#giveUp(new TooMuch(limit));
    if (onLine === undefined) return;
    this.#lines = new LineSplitter(onLine);
    if (this.#awaitsMark) return;
    this.#take(this.#stdout.takeAll());
    if (this.#hasEnded) this.#attempt(() => this.#lines?.end());
  }

  /**
   * The whole output. Lines that were passed on are no longer part of standard output. It can still be read by lines afterwards.
   */
  result(code: number): Said {
    this.#attempt(() => this.#lines?.end());
    this.#hasEnded = true;
    this.#stderr.keepLast(mostComplaints);
    const said = { code, stdout: this.#stdout.all, stderr: this.#stderr.all.toString("utf8") };
    return this.#awaitsMark ? { ...said, isForeign: true } : said;
  }

  #take(chunk: Buffer): void {
    if (this.#lines === undefined) this.#stdout.append(chunk);
    else this.#attempt(() => this.#lines?.push(chunk));
  }

  #findMark(chunk: Buffer): void {
    const before = this.#stdout.length;
    this.#stdout.append(chunk);
    const at = this.#stdout.indexOf(mark, Math.max(0, before - mark.length + 1));
    if (at === -1) {
      if (this.#said > mostBefore) this.#giveUp(new TooMuch(mostBefore, "its login shell said"));
      return;
    }
    this.#awaitsMark = false;
    this.#take(this.#stdout.takeAll().subarray(at + mark.length));
  }

  #attempt(work: () => void): void {
    if (this.failure !== undefined) return;
    try {
      work();
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #giveUp(error: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = error instanceof Error ? error : new Error(String(error));
    this.#stdout.takeAll();
    this.#lines = undefined;
    this.#onExcess(this.failure);
  }
}

/** Splits output into lines without their ends. */
class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #line = new Bytes();

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      this.#add(chunk.subarray(start, end));
      this.#finish();
      start = end + 1;
    }
    this.#add(chunk.subarray(start));
  }

  end(): void {
    if (this.#line.length > 0) this.#finish();
  }

  #add(part: Buffer): void {
    if (this.#line.length + part.length > longestLine) throw new TooMuch(longestLine, "a line of what it said has");
    this.#line.append(part);
  }

  #finish(): void {
    const line = this.#line.takeAll().toString("utf8");
    this.#onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
  }
}

/** A sequence of bytes. However small the parts are in which they arrive, they take no more than twice their size. */
class Bytes {
  #buffer = Buffer.alloc(0);
  length = 0;

  append(chunk: Buffer): void {
    const needed = this.length + chunk.length;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.length);
      this.#buffer = larger;
    }
    chunk.copy(this.#buffer, this.length);
    this.length = needed;
  }

  indexOf(wanted: Buffer, from: number): number {
    return this.#buffer.subarray(0, this.length).indexOf(wanted, from);
  }

  keepLast(count: number): void {
    if (this.length <= count) return;
    this.#buffer.copyWithin(0, this.length - count, this.length);
    this.length = count;
  }

  get all(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  takeAll(): Buffer {
    const { all } = this;
    this.#buffer = Buffer.alloc(0);
    this.length = 0;
    return all;
  }
}
