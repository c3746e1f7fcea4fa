import { constants } from "node:os";
import { Readable } from "node:stream";
import type { Client, ClientChannel } from "ssh2";
import { withMark } from "./remote-shell.ts";
import { excessError, lostError, silenceError } from "./ssh-error.ts";
import { Output, TooMuch, type Said } from "./ssh-output.ts";

export interface ExecOptions {
  /** What the command reads; without it, nothing. */
  stdin?: Buffer | Readable;
  /** Gets every line of standard output as it comes, without its end; then the result has none of it. What it throws ends the command. */
  onLine?: (line: string) => void;
  /** Aborted: the command is sent SIGTERM and no longer waited for. */
  signal?: AbortSignal;
  /** Milliseconds until it has to end, or, where lines are read, to say another one; five minutes unless said. */
  timeout?: number;
  /** How many bytes it is to read at first, which take their time; those of a buffer count by themselves. */
  sends?: number;
  /** Bytes of standard output; 32 MiB unless said. */
  limit?: number;
}

/** What a command came to: its code as a shell has it, 128 + n for a command that signal n ended. */
export type ExecResult = Said;

/** Of a question to a host, unless somebody says otherwise: milliseconds, and bytes of its answer. */
const usualPatience = 300_000;
/** Bytes that a poor line carries in a millisecond. */
const slowest = 16;
const mostSaid = 32 * 1024 * 1024;

interface ChannelOptions {
  host: string;
  /** Aborts with the connection; its reason is the error. */
  lost: AbortSignal;
  /** Milliseconds until the host has to let it run. */
  openWithin: number;
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
    // Whoever says that much goes on saying it, closed or not.
    client.destroy();
  });
  // Whoever finishes the command hears of it.
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
    // ssh2 throws where the connection has just ended, and nobody has been told yet.
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
      // It may have ended before anybody listened.
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
        // What was read by the line may have been there before anybody read.
        return onLine === undefined || result.isForeign === true ? result : { ...result, stdout: Buffer.alloc(0) };
      } finally {
        clearTimeout(deadline);
        // A line that comes late would wind it up again.
        deadline = undefined;
        signal?.removeEventListener("abort", onAbort);
      }
    },
  };
}

/** Whether sshd did not open a channel, as beyond its MaxSessions. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && ("reason" in error || /channel open failure|unable to exec/i.test(error.message));
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
