import type { Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { format } from "node:util";
import { clean, openEndAround, redactAround } from "./clean.ts";
import { withoutForeignControls } from "./controls.ts";

type Write = NodeJS.WritableStream["write"];
type Stream = Writable & { write: Write };

/** The state of a guarded stream. */
interface Guard {
  /** Its original write function. */
  unguarded: Write;
  decoder: StringDecoder;
  /** Withheld output that may be the beginning of a control sequence. */
  sequence: string;
  /** Withheld output before that, which may be the beginning of a secret. */
  open: string;
}

/** How Node.js prints bytes when debugging. They may be bytes of a secret that is still being read, and so is not known yet. */
const dumps = /<Buffer(?: [0-9a-f]{2})+[^>]{0,60}>/g;

const guards = new WeakMap<Writable, Guard>();
const guarding = new WeakSet<Write>();
const rawGuards = new WeakSet<object>();

/**
 * All output passes through here. No secret gets out, even in several pieces, and nothing that a terminal obeys except our own
 * colours. A reader that has gone away is no error. You can call this again; a stream is guarded once.
 */
export function guardOutput(streams: readonly Stream[] = [process.stdout, process.stderr]): void {
  for (const stream of streams) {
    const unguarded: Write = Reflect.get(stream, "write");
    if (guarding.has(unguarded)) continue;
    const guard: Guard = { unguarded, decoder: new StringDecoder("utf8"), sequence: "", open: "" };
    const guarded: Write = (chunk: string | Uint8Array, ...rest: unknown[]) =>
      Reflect.apply(unguarded, stream, [take(guard, textOf(chunk, rest[0], guard)), ...rest.filter((each) => typeof each === "function")]);
    guards.set(stream, guard);
    guarding.add(guarded);
    stream.write = guarded;
    if (!stream.listeners("error").includes(ignoreClosedReader)) stream.prependListener("error", ignoreClosedReader);
  }
  guardRawDebug();
  if (!process.listeners("exit").includes(showRest)) process.on("exit", showRest);
}

/**
 * Writes a complete frame of the live display, which may move the cursor.
 *
 * @param fallback the write function for a stream that is not guarded
 */
export function writeFrame(stream: Writable, text: string, fallback: Write): boolean {
  return Reflect.apply(guards.get(stream)?.unguarded ?? fallback, stream, [redactAround(withoutForeignControls(text, true), true)]);
}

/** Resolves when all output so far has been handed to the system, or can no longer be. */
export async function flushOutput(streams: readonly Writable[] = [process.stdout, process.stderr]): Promise<void> {
  for (const stream of streams) showOpen(stream);
  await Promise.all(streams.map(flush));
}

function flush(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) resolve();
    else stream.write("", () => resolve());
  });
}

/** @param encoding of a text chunk, as `write` takes it */
function textOf(chunk: string | Uint8Array, encoding: unknown, { decoder }: Guard): string {
  if (typeof chunk !== "string") return decoder.write(Buffer.from(chunk));
  const isEncoded = typeof encoding === "string" && Buffer.isEncoding(encoding) && !/^utf-?8$/i.test(encoding);
  return isEncoded ? decoder.write(Buffer.from(chunk, encoding)) : chunk;
}

/** The part of the output so far that can be shown. */
function take(guard: Guard, chunk: string): string {
  const text = guard.sequence + chunk;
  // oxlint-disable-next-line no-control-regex
  const sequence = /(?:(?:^|\n)section_(?:start|end):\S*\r?|\u001B(?:\[[0-9;:?]*)?|\r)$/.exec(text)?.[0] ?? "";
  guard.sequence = sequence;
  const known = guard.open + withoutForeignControls(text.slice(0, text.length - sequence.length));
  const shown = known.length - openEndAround(known);
  guard.open = known.slice(shown);
  return redactAround(known.slice(0, shown)).replaceAll(dumps, "<Buffer>");
}

function showOpen(stream: Writable): void {
  const guard = guards.get(stream);
  if (guard === undefined || guard.open + guard.sequence === "") return;
  const text = redactAround(guard.open + withoutForeignControls(guard.sequence));
  guard.sequence = guard.open = "";
  if (!stream.destroyed) Reflect.apply(guard.unguarded, stream, [text]);
}

function showRest(): void {
  for (const stream of [process.stdout, process.stderr]) showOpen(stream);
}

/** Node.js writes warnings, and the output of NODE_DEBUG, without using the streams. */
function guardRawDebug(): void {
  const unguarded: unknown = Reflect.get(process, "_rawDebug");
  if (typeof unguarded !== "function" || rawGuards.has(unguarded)) return;
  const guarded = (...parts: unknown[]): void => void Reflect.apply(unguarded, process, [clean(format(...parts))]);
  rawGuards.add(guarded);
  Reflect.set(process, "_rawDebug", guarded);
}

/** EPIPE: a pipe was closed early (`… | head`); EIO: the terminal is gone. The work goes on. */
function ignoreClosedReader(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
}
