import { constants } from "node:os";
import { Readable } from "node:stream";
import type { Client, ClientChannel } from "ssh2";
import { withMark } from "./remote-shell.ts";
import { excessError, lostError, silenceError } from "./ssh-error.ts";
import { Output, TooMuch, type Said } from "./ssh-output.ts";

export interface ExecOptions {
  /** The command's standard input; empty by default. */
  stdin?: Buffer | Readable;
  /**
   * Receives every line of standard output as it arrives, without its line end. The result does not contain these lines. If it
   * throws, the command is ended.
   */
  onLine?: (line: string) => void;
  /** Once aborted, the command is sent SIGTERM and no longer waited for. */
  signal?: AbortSignal;
  /** Milliseconds within which the command has to end or, if lines are read, to print another line; five minutes by default. */
  timeout?: number;
  /** How many bytes the command has to read first, which takes time; the bytes of a buffer are counted automatically. */
  sends?: number;
  /** Maximum size of standard output in bytes; 32 MiB by default. */
  limit?: number;
}

/** The result of a command. Its code is as in a shell: 128 + n if signal n ended the command. */
export type ExecResult = Said;

/** Default limits for a question to a host: milliseconds, and bytes of its answer. */
const usualPatience = 300_000;
/** Bytes that a poor line transfers per millisecond. */
const slowest = 16;
const mostSaid = 32 * 1024 * 1024;

interface ChannelOptions {
  host: string;
  /** Aborts when the connection ends; its reason is the error. */
  lost: AbortSignal;
  /** Milliseconds within which the host has to let the command run. */
  openWithin: number;
}

/** A command that was sent on a channel of its own. It may be waiting for its input. */
export interface StartedCommand {
  /** Resolves with true once the command runs, or with false if the host does not allow another command beside those that run. */
  opened: Promise<boolean>;
  /** Resolves when the command has ended, for whatever reason. */
  ended: Promise<unknown>;
  /** Ends the command: at once, or as soon as it has started. */
  stop: () => void;
  /**
   * Gives the command its input, and resolves when it has ended. Rejects if the connection ends first, or if it is aborted. Call
   * it only once.
   */
  finish(options: ExecOptions): Promise<ExecResult>;
}

export function startCommand(client: Client, command: string, { host, lost, openWithin }: ChannelOptions): StartedCommand {
  lost.throwIfAborted();
  const opened = Promise.withResolvers<ClientChannel>();
  let channel: ClientChannel | undefined;
  const ended = Promise.withResolvers<ExecResult>();
  const marked = withMark(command);
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
  const asError = (error: Error) => (error instanceof TooMuch ? excessError(host, error) : error);
  const output = new Output(marked !== undefined, mostSaid, (error) => {
    fail(asError(error));
    // A host that prints that much goes on printing, whether the channel is closed or not.
    client.destroy();
  });
  // The caller that finishes the command sees the errors.
  for (const { promise } of [opened, ended]) promise.catch(() => {});
  const opening = setTimeout(() => fail(silenceError(host, openWithin)), openWithin);
  const onLost = () => {
    clearTimeout(opening);
    fail(lost.reason);
  };
  lost.addEventListener("abort", onLost, { once: true });

  const onStart = (error: Error | undefined, made: ClientChannel) => {
    clearTimeout(opening);
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
    // ssh2 throws if the connection has just ended and nothing has reported that yet.
    clearTimeout(opening);
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
    async finish({ stdin, onLine, signal, timeout = usualPatience, limit = mostSaid, sends = stdin instanceof Buffer ? stdin.length : 0 }) {
      signal?.throwIfAborted();
      const expire = () => leave(silenceError(host, timeout));
      let deadline: NodeJS.Timeout | undefined;
      const onNext = (line: string) => {
        if (deadline !== undefined) {
          clearTimeout(deadline);
          deadline = setTimeout(expire, timeout);
        }
        onLine?.(line);
      };
      output.listen(limit, onLine && onNext);
      // The command may have ended before anybody listened.
      if (output.failure !== undefined) throw asError(output.failure);
      const aborted = Promise.withResolvers<never>();
      const leave = (reason: unknown) => {
        stop();
        aborted.reject(reason);
      };
      const onAbort = () => leave(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      deadline = setTimeout(expire, timeout + sends / slowest);
      try {
        const input = await Promise.race([opened.promise, aborted.promise]);
        const result = await Promise.race([ended.promise, aborted.promise, feed(input, stdin)]);
        // Lines that were passed on may have arrived before the reading began, so they are removed here.
        return onLine === undefined || result.isForeign === true ? result : { ...result, stdout: Buffer.alloc(0) };
      } finally {
        clearTimeout(deadline);
        // A late line would start it again.
        deadline = undefined;
        signal?.removeEventListener("abort", onAbort);
      }
    },
  };
}

/** Whether sshd refused to open a channel, for example beyond its MaxSessions. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && ("reason" in error || /channel open failure|unable to exec/i.test(error.message));
}

/** @param end receives the exit code, or nothing if the channel closed without one */
function collect(channel: ClientChannel, output: Output, end: (code?: number) => void): void {
  let code: number | undefined;
  channel.on("data", (chunk: Buffer) => output.say(chunk));
  channel.stderr.on("data", (chunk: Buffer) => output.complain(chunk));
  channel.on("exit", (status: number | null, name?: string) => (code = status ?? codeOfSignal(name)));
  channel.on("error", () => {
    // A command that ends without reading its input is no error. A lost connection is noticed elsewhere.
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
