import * as z from "zod";
import { ColdtivateError } from "../errors.ts";

// A command reads each kind of answer once or twice: to compile what reads it takes longer than to read it.
z.config({ jitless: true });

/** C0 and C1 with DEL, and what turns the direction of text around: whoever prints them no longer says what is on the screen. */
const unprintable = "\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069";
const anyUnprintable = new RegExp(`[${unprintable}]`, "u");
const allUnprintable = new RegExp(`[${unprintable}]+`, "gu");

/** Of what a host says to people, in characters. */
const mostSaid = 4000;

/** Levels of an answer in JSON: Compose's own models have about ten. */
const mostLevels = 64;

/** Nobody's answer is read that is not what was asked for; nothing else of it counts. */
export function unreadable(host: string, reason: string): ColdtivateError {
  return new ColdtivateError(`${host}: its answer cannot be read: ${reason}`, {
    code: "HOST_ANSWER",
    exit: "refused",
    hint: "Run the same command again. A wrapper around docker or bash on the host that prints something of its own can be the cause; if there is none, find out who has been on that host.",
  });
}

/** Text without anything that a terminal obeys: what it was is a space now, a tab two. */
export function printable(text: string): string {
  return text.replaceAll("\t", "  ").replaceAll(allUnprintable, " ");
}

/** A line for people, likewise, and not too long. */
export function plainWords(text: string): string {
  const plain = printable(text).trim();
  return plain.length > mostSaid ? `${plain.slice(0, mostSaid)}…` : plain;
}

/** The lines of what a host says to people; empty ones are left out. */
export function plainLines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map(plainWords)
    .filter((line) => line !== "");
}

/** What a release is called: it becomes part of paths and of commands. */
export const releaseName = /^[a-z0-9][a-z0-9._-]{0,127}$/;
/** A commit, or what a host has in its place where none is known. */
export const commitName = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
/** What Compose calls a service, a volume, a network, and Docker a container. */
export const thingName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/;

/** Text in one line that can be shown to people, and can be a field between tabs. */
export const lineSchema = z.string().max(65_536).refine(isLine, "has characters that are not printed");
export const releaseSchema = z.string().regex(releaseName);
export const commitSchema = z.string().regex(commitName);
export const thingSchema = z.string().regex(thingName).refine(isOwnName, "is no name");
/** SHA-256 in hexadecimal, as labels and manifests have it. */
export const hexSchema = z.string().regex(/^[0-9a-f]{8,64}$/);
/** An absolute path without a way up. */
export const pathSchema = lineSchema.refine((path) => path.startsWith("/") && !path.split("/").includes(".."), "is no absolute path");
/** A time as this tool and its script write it. */
export const timeSchema = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/);

function isLine(text: string): boolean {
  return !anyUnprintable.test(text);
}

/** Names that every object of JavaScript has are nobody's. */
function isOwnName(name: string): boolean {
  return !(name in Object.prototype);
}

/**
 * Reads what a host answered.
 * @param what it is, for the error
 * @throws ColdtivateError HOST_ANSWER with the first places where it is something else
 */
export function readAnswer<Type>(host: string, what: string, schema: z.ZodType<Type>, value: unknown): Type {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const places = error.issues.slice(0, 3).map(({ path, message }) => plainWords(`${path.map(String).join(".")} ${message}`).slice(0, 200));
  throw unreadable(host, `${what} is not what it should be (${places.join("; ")})`);
}

/**
 * Reads JSON that a host sent, as deep as it may be, and without names that every object has.
 * @throws ColdtivateError HOST_ANSWER
 */
export function readJson(host: string, what: string, text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unreadable(host, `${what} is no JSON`);
  }
  const open: { value: unknown; level: number }[] = [{ value, level: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next.value !== "object" || next.value === null) continue;
    if (next.level >= mostLevels) throw unreadable(host, `${what} has more than ${mostLevels} levels`);
    for (const [name, inner] of Object.entries(next.value)) {
      if (!isOwnName(name) || !isLine(name)) throw unreadable(host, `${what} has a name that is none: ${plainWords(name).slice(0, 100)}`);
      open.push({ value: inner, level: next.level + 1 });
    }
  }
  return value;
}
