import { ColdtivateError } from "../../errors.ts";
import { readDotenvLines, type Assignment, type DotenvFault } from "../dotenv/dotenv-lines.ts";
import type { PublicWords } from "./public-words.ts";
import { redactor } from "../../secrets/redactor.ts";
import { isNameOfSecret, isTelling } from "../../secrets/telling-names.ts";

export { quoteDotenv } from "../dotenv/dotenv-quote.ts";

export interface DotenvOptions {
  /** The name of the dotenv in messages: a path, or a variable's name. */
  source?: string | undefined;
  /** Words that may be printed although they also appear in the dotenv. */
  publicWords?: PublicWords;
}

/** An IPv4 address, or a host name without digits; with or without a port. */
const address = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[a-z-]+(?:\.[a-z-]+)+)(?::\d+)?$/;

/**
 * Reads a dotenv: one `NAME=value` per line, in the file's order. Nothing is interpolated: a `$` is a `$`. From here on, values
 * that look sensitive are kept out of all output.
 * Throws DOTENV_INVALID or DOTENV_EMPTY (exit `usage`), with one detail per bad line. A detail never shows a value.
 */
export function parseDotenv(text: string, { source = "dotenv", publicWords }: DotenvOptions = {}): Map<string, string> {
  const { assignments, faults } = checkDotenv(text);
  const values = new Map(assignments.map(({ name, value }) => [name, value]));
  for (const [name, value] of values) hide(name, value, publicWords, true);
  if (faults.length > 0) throw invalid(source, faults);
  if (values.size > 0) return values;
  throw new ColdtivateError(`The dotenv (${source}) is empty; nothing was done.`, {
    code: "DOTENV_EMPTY",
    exit: "usage",
    hint: "It needs at least one line NAME=value. Leave dotenv out of coldtivate.yml when the services need none.",
  });
}

/** The assignments of a dotenv, and all its faults, by line. A name that appears twice is a fault, too. */
export function checkDotenv(text: string): { assignments: Assignment[]; faults: DotenvFault[] } {
  const { assignments, faults } = readDotenvLines(text);
  const lines = new Map<string, number>();
  const doubles: DotenvFault[] = [];
  for (const { name, line } of assignments) {
    const first = lines.get(name);
    if (first !== undefined) doubles.push({ line, message: `${name} is there already, in line ${first}` });
    lines.set(name, first ?? line);
  }
  return { assignments, faults: [...faults, ...doubles].toSorted((a, b) => a.line - b.line) };
}

/** Joins several dotenvs in this order. If two of them assign the same name, the later assignment counts, as written there. */
export function mergeDotenvs(texts: readonly string[]): string {
  const written = new Map(texts.flatMap((text) => checkDotenv(text).assignments.map((each) => [each.name, each.written] as const)));
  return [...written.values()].map((line) => `${line}\n`).join("");
}

/** Writes a dotenv that is read back as exactly these values. */
export function writeDotenv(values: ReadonlyMap<string, string>): string {
  return [...values].map(([name, value]) => `${name}="${escape(value)}"\n`).join("");
}

function escape(value: string): string {
  return value.replaceAll(/[\\"]/g, String.raw`\$&`).replaceAll("\r", String.raw`\r`);
}

/** Keeps the secrets of a dotenv out of all output if the dotenv is not needed otherwise. Faults in it are not reported. */
export function hideDotenv(text: string, publicWords: PublicWords): void {
  for (const { name, value } of readDotenvLines(text).assignments) hide(name, value, publicWords, false);
}

/**
 * Keeps a value out of output if its name or its length suggests a secret. An address does not count as long: "198.18.0.2" is a
 * part of "198.18.0.20". With `isTold`, a value that sounds secret but cannot be hidden is reported.
 */
function hide(name: string, value: string, publicWords: PublicWords | undefined, isTold: boolean): void {
  const soundsSecret = isTelling(name);
  const isSecret = isTold && isNameOfSecret(name) && value !== "" && !/^(?:true|false|yes|no|on|off)$/i.test(value);
  if (publicWords?.values.has(value) || publicWords?.names.has(name)) {
    if (isSecret) redactor.noteWeak(name, "an ordinary word");
  } else if (soundsSecret || (value.length >= 8 && !address.test(value))) {
    redactor.add(value, isSecret ? name : undefined);
  }
}

function invalid(source: string, faults: readonly DotenvFault[]): ColdtivateError {
  const count = faults.length === 1 ? "a line that cannot be read" : `${faults.length} lines that cannot be read`;
  return new ColdtivateError(`The dotenv (${source}) has ${count}; nothing was done.`, {
    code: "DOTENV_INVALID",
    exit: "usage",
    details: faults.map(({ line, message }) => `${source}:${line}  ${message}`),
    hint: "A line is NAME=value, a comment that starts with #, or empty; a value with quotes, # or line breaks goes in quotes.",
  });
}
