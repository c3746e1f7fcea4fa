import { constants } from "node:os";
import { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { Client, ClientChannel } from "ssh2";
import { mark, withMark } from "./remote-shell.ts";
import { lostError } from "./ssh-error.ts";

export interface ExecOptions {
  /** What the command reads; without it, nothing. */
  stdin?: Buffer | Readable;
  /** Gets every line of standard output as it comes, without its end. */
  onLine?: (line: string) => void;
  /** Aborted: the command is sent SIGTERM and no longer waited for. */
  signal?: AbortSignal;
}

export interface ExecResult {
  /** As a shell has it: 128 + n for a command that signal n ended. */
  code: number;
  stdout: Buffer;
  stderr: string;
  /** Whether something else ran in its place, which the output is of then: a login shell that refuses, a forced command. */
  isForeign?: true;
}

interface ChannelOptions {
  host: string;
  /** Aborts with the connection; its reason is the error. */
  lost: AbortSignal;
}

/** A command that has been sent, on a channel of its own, and may be waiting for its input. */
export interface StartedCommand {
  /** Resolves once it runs, or with false where the host does not let another command run beside those that do. */
  opened: Promise<boolean>;
  /** Resolves when it has ended, whichever way. */
  ended: Promise<unknown>;
  /** Ends it: at once, or as soon as it has started. */
  stop: () => void;
  /** Gives it its input, and resolves with its end. Rejects when the connection ends first, or when it is aborted. Once only. */
  finish(options: ExecOptions): Promise<ExecResult>;
}

export function startCommand(client: Client, command: string, { host, lost }: ChannelOptions): StartedCommand {
  lost.throwIfAborted();
  const opened = Promise.withResolvers<ClientChannel>();
  let channel: ClientChannel | undefined;
  const ended = Promise.withResolvers<ExecResult>();
  const marked = withMark(command);
  const output = new Output(marked !== undefined);
  let isStopped = false;
  const stop = () => {
    isStopped = true;
    channel?.signal("TERM");
    channel?.close();
  };
  const fail = (error: unknown) => {
    opened.reject(error);
    ended.reject(error);
  };
  // Whoever finishes the command hears of it.
  for (const { promise } of [opened, ended]) promise.catch(() => {});
  const onLost = () => fail(lost.reason);
  lost.addEventListener("abort", onLost, { once: true });

  const onStart = (error: Error | undefined, made: ClientChannel) => {
    if (error) {
      lost.removeEventListener("abort", onLost);
      return fail(lost.aborted ? lost.reason : isRefusal(error) ? error : lostError(host, error));
    }
    channel = made;
    opened.resolve(made);
    if (isStopped) stop();
    collect(made, output, (code) => {
      lost.removeEventListener("abort", onLost);
      if (code !== undefined) ended.resolve(output.result(code));
      else fail(lost.aborted ? lost.reason : lostError(host, new Error("the command ended without an exit status")));
    });
  };
  try {
    client.exec(marked ?? command, onStart);
  } catch (cause) {
    // ssh2 throws where the connection has just ended, and nobody has been told yet.
    lost.removeEventListener("abort", onLost);
    fail(lostError(host, cause instanceof Error ? cause : undefined));
  }

  return {
    opened: opened.promise.then(
      () => true,
      (error: unknown) => {
        if (isRefusal(error)) return false;
        throw error;
      },
    ),
    ended: Promise.allSettled([ended.promise]),
    stop,
    async finish({ stdin, onLine, signal }) {
      signal?.throwIfAborted();
      output.readLines(onLine);
      const aborted = Promise.withResolvers<never>();
      const onAbort = () => {
        stop();
        aborted.reject(signal?.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      try {
        const input = await Promise.race([opened.promise, aborted.promise]);
        return await Promise.race([ended.promise, aborted.promise, feed(input, stdin)]);
      } finally {
        signal?.removeEventListener("abort", onAbort);
      }
    },
  };
}

/** Whether sshd did not open a channel, as beyond its MaxSessions. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && ("reason" in error || /channel open failure|unable to exec/i.test(error.message));
}

/** What a command says, from its start on, whenever somebody begins to listen. */
class Output {
  #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  #lines: LineSplitter | undefined;
  #hasEnded = false;
  /** Whether what is there may still be a start-up file's: it is kept for when no command runs at all. */
  #awaitsMark: boolean;

  constructor(awaitsMark: boolean) {
    this.#awaitsMark = awaitsMark;
  }

  say(chunk: Buffer): void {
    this.#stdout.push(chunk);
    if (this.#awaitsMark) this.#findMark();
    else this.#lines?.push(chunk);
  }

  #findMark(): void {
    const all = Buffer.concat(this.#stdout);
    const at = all.indexOf(mark);
    this.#stdout = [all];
    if (at === -1) return;
    this.#awaitsMark = false;
    this.#stdout = [all.subarray(at + mark.length)];
    this.#lines?.push(this.#stdout[0]!);
  }

  complain(chunk: Buffer): void {
    this.#stderr.push(chunk);
  }

  readLines(onLine: ((line: string) => void) | undefined): void {
    if (onLine === undefined) return;
    this.#lines = lineSplitter(onLine);
    if (!this.#awaitsMark) for (const chunk of this.#stdout) this.#lines.push(chunk);
    if (this.#hasEnded) this.#lines.end();
  }

  result(code: number): ExecResult {
    this.#lines?.end();
    this.#hasEnded = true;
    const result = { code, stdout: Buffer.concat(this.#stdout), stderr: Buffer.concat(this.#stderr).toString("utf8") };
    return this.#awaitsMark ? { ...result, isForeign: true } : result;
  }
}

/** @param end gets the exit code, or nothing when the channel closed without one */
function collect(channel: ClientChannel, output: Output, end: (code?: number) => void): void {
  let code: number | undefined;
  channel.on("data", (chunk: Buffer) => output.say(chunk));
  channel.stderr.on("data", (chunk: Buffer) => output.complain(chunk));
  channel.on("exit", (status: number | null, name?: string) => (code = status ?? codeOfSignal(name)));
  channel.on("error", () => {
    // A command that ends without reading its input is no error; a lost connection is noticed elsewhere.
  });
  channel.on("close", () => end(code));
}

/** Rejects when the input fails, and never resolves. */
function feed(channel: ClientChannel, stdin: Buffer | Readable | undefined): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  if (!(stdin instanceof Readable)) {
    channel.end(stdin);
    return promise;
  }
  stdin.once("error", (error) => {
    channel.close();
    reject(error);
  });
  stdin.pipe(channel);
  return promise;
}

function codeOfSignal(name: string | undefined): number {
  const numbers: Record<string, number> = constants.signals;
  return 128 + (numbers[`SIG${name?.replace(/^SIG/, "")}`] ?? 0);
}

interface LineSplitter {
  push(chunk: Buffer): void;
  end(): void;
}

function lineSplitter(onLine: (line: string) => void): LineSplitter {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  return {
    push(chunk) {
      const lines = (rest + decoder.write(chunk)).split(/\r?\n/);
      rest = lines.pop() ?? "";
      for (const line of lines) onLine(line);
    },
    end() {
      rest += decoder.end();
      if (rest !== "") onLine(rest);
    },
  };
}
