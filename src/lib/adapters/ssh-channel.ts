import { constants } from "node:os";
import { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { Client, ClientChannel } from "ssh2";
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
}

interface ChannelOptions extends ExecOptions {
  host: string;
  /** Aborts with the connection; its reason is the error. */
  lost: AbortSignal;
}

/** Runs a command on a channel of its own. Rejects when the connection ends first, or when it is aborted. */
export async function runOnChannel(client: Client, command: string, options: ChannelOptions): Promise<ExecResult> {
  const { lost, signal, stdin, onLine } = options;
  lost.throwIfAborted();
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<ExecResult>();
  let opened: ClientChannel | undefined;

  const onLost = () => reject(lost.reason);
  const onAbort = () => {
    opened?.signal("TERM");
    opened?.close();
    reject(signal?.reason);
  };
  lost.addEventListener("abort", onLost, { once: true });
  signal?.addEventListener("abort", onAbort, { once: true });

  client.exec(command, (error, channel) => {
    if (error) return reject(lost.aborted ? lost.reason : error);
    opened = channel;
    if (signal?.aborted) return channel.close();
    collect(channel, onLine, (result) =>
      result
        ? resolve(result)
        : reject(lost.aborted ? lost.reason : lostError(options.host, new Error("the command ended without an exit status"))),
    );
    feed(channel, stdin, reject);
  });

  try {
    return await promise;
  } finally {
    lost.removeEventListener("abort", onLost);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** @param end gets the result, or nothing when the channel closed without the command's exit status */
function collect(channel: ClientChannel, onLine: ((line: string) => void) | undefined, end: (result?: ExecResult) => void): void {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const lines = onLine && lineSplitter(onLine);
  let code: number | undefined;
  channel.on("data", (chunk: Buffer) => {
    stdout.push(chunk);
    lines?.push(chunk);
  });
  channel.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  channel.on("exit", (status: number | null, name?: string) => (code = status ?? codeOfSignal(name)));
  channel.on("error", () => {
    // A command that ends without reading its input is no error; a lost connection is noticed elsewhere.
  });
  channel.on("close", () => {
    lines?.end();
    if (code === undefined) return end();
    end({ code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString("utf8") });
  });
}

function feed(channel: ClientChannel, stdin: Buffer | Readable | undefined, reject: (error: unknown) => void): void {
  if (!(stdin instanceof Readable)) {
    channel.end(stdin);
    return;
  }
  stdin.once("error", (error) => {
    channel.close();
    reject(error);
  });
  stdin.pipe(channel);
}

function codeOfSignal(name: string | undefined): number {
  const numbers: Record<string, number> = constants.signals;
  return 128 + (numbers[`SIG${name?.replace(/^SIG/, "")}`] ?? 0);
}

function lineSplitter(onLine: (line: string) => void): { push(chunk: Buffer): void; end(): void } {
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
