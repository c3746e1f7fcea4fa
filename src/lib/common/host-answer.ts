import * as z from "zod";
import { ColdtivateError } from "../errors.ts";

// A command reads each kind of answer once or twice. Compiling a schema takes longer than reading with it.
z.config({ jitless: true });

/**
 * Control characters (C0, C1, DEL) and characters that change the direction of text. Once printed, they could change anything on
 * the screen.
 */
const unprintable = "\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069";
const anyUnprintable = new RegExp(`[${unprintable}]`, "u");
const allUnprintable = new RegExp(`[${unprintable}]+`, "gu");

/** Maximum length of a host's message to people, in characters. */
const mostSaid = 4000;

/** Maximum nesting of a JSON answer: Compose's own models have about ten levels. */
const mostLevels = 64;

/** The error for an answer that is not what was asked for. Nothing else in such an answer counts. */
export function unreadable(host: string, reason: string): ColdtivateError {
  return new ColdtivateError(`${host}: its answer cannot be read: ${reason}`, {
    code: "HOST_ANSWER",
    exit: "refused",
    hint: "Run the same command again. A wrapper around docker or bash on the host that prints something of its own can be the cause; if there is none, find out who has been on that host.",
  });
}

/** Text without anything that a terminal interprets: a space replaces it, and two spaces replace a tab. */
export function printable(text: string): string {
  return text.replaceAll("\t", "  ").replaceAll(allUnprintable, " ");
}

/** A printable line for people, trimmed and shortened if it is too long. */
export function plainWords(text: string): string {
  const plain = printable(text).trim();
  return plain.length > mostSaid ? `${plain.slice(0, mostSaid)}…` : plain;
}

/** The lines of a host's message to people, without empty ones. */
export function plainLines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map(plainWords)
    .filter((line) => line !== "");
}

/** The name of a release: it becomes part of paths and of commands. */
export const releaseName = /^[a-z0-9][a-z0-9._-]{0,127}$/;
/** The ID of a commit, or the value that a host uses in its place if no commit is known. */
export const commitName = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
/** The name of a service, a volume or a network in Compose, or of a container in Docker. */
export const thingName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/;

/** One line of text that can be shown to people and can be a field between tabs. */
export const lineSchema = z.string().max(65_536).refine(isLine, "has characters that are not printed");
export const releaseSchema = z.string().regex(releaseName);
export const commitSchema = z.string().regex(commitName);
export const thingSchema = z.string().regex(thingName).refine(isOwnName, "is no name");
/** SHA-256 in hexadecimal, as in labels and manifests. */
export const hexSchema = z.string().regex(/^[0-9a-f]{8,64}$/);
/** An absolute path without `..`. */
export const pathSchema = lineSchema.refine((path) => path.startsWith("/") && !path.split("/").includes(".."), "is no absolute path");
/** A time as this tool and its script write it. */
export const timeSchema = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/);

function isLine(text: string): boolean {
  return !anyUnprintable.test(text);
}

/** Names that every JavaScript object has cannot be names of anything. */
function isOwnName(name: string): boolean {
  return !(name in Object.prototype);
}

/**
 * Validates a host's answer.
 * @param what names the answer in the error
 * @throws ColdtivateError HOST_ANSWER with the first places that do not match
 */
export function readAnswer<Type>(host: string, what: string, schema: z.ZodType<Type>, value: unknown): Type {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const places = error.issues.slice(0, 3).map(({ path, message }) => plainWords(`${path.map(String).join(".")} ${message}`).slice(0, 200));
  throw unreadable(host, `${what} is not what it should be (${places.join("; ")})`);
}

/**
 * Parses JSON that a host sent. Limits its depth, and rejects names that every JavaScript object has.
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
