import { ColdtivateError } from "../errors.ts";
import { readDotenvLines, type DotenvFault } from "./dotenv-lines.ts";
import type { PublicWords } from "./public-words.ts";
import { redactor } from "./redactor.ts";

export { quoteDotenv } from "./dotenv-quote.ts";

export interface DotenvOptions {
  /** What to call it in messages: a path, or a variable's name. */
  source?: string | undefined;
  /** What may be printed although it stands in the dotenv too. */
  publicWords?: PublicWords;
}

/** An IPv4 address, or a host name without digits; with or without a port. */
const address = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[a-z-]+(?:\.[a-z-]+)+)(?::\d+)?$/;

/** KEY as a word of its own: valkey is a database. */
const telling = /pass|secret|token|dsn|url|credential|(?:^|_|api|private|access)key/i;

/**
 * Reads a dotenv: one `NAME=value` a line, in the file's order. Nothing is interpolated: a `$` is a `$`.
 * Values that look sensitive are kept out of all output from here on.
 * Throws DOTENV_INVALID or DOTENV_EMPTY (exit `usage`), with one detail a bad line that never shows a value.
 */
export function parseDotenv(text: string, { source = "dotenv", publicWords }: DotenvOptions = {}): Map<string, string> {
  const { assignments, faults } = readDotenvLines(text);
  const values = new Map<string, string>();
  const lines = new Map<string, number>();
  const doubles: DotenvFault[] = [];
  for (const { name, value, line } of assignments) {
    const first = lines.get(name);
    if (first !== undefined) doubles.push({ line, message: `${name} is there already, in line ${first}` });
    lines.set(name, first ?? line);
    values.set(name, value);
    if (isSensitive(name, value, publicWords)) redactor.add(value);
  }
  const all = [...faults, ...doubles].toSorted((a, b) => a.line - b.line);
  if (all.length > 0) throw invalid(source, all);
  if (values.size > 0) return values;
  throw new ColdtivateError(`The dotenv (${source}) is empty; nothing was done.`, {
    code: "DOTENV_EMPTY",
    exit: "usage",
    hint: "It needs at least one line NAME=value. Leave dotenv out of coldtivate.yml when the services need none.",
  });
}

/** Short values would blank out ordinary words and give nothing away; so would addresses, "198.18.0.2" within "198.18.0.20". */
function isSensitive(name: string, value: string, publicWords: PublicWords | undefined): boolean {
  if (publicWords?.values.has(value) || publicWords?.names.has(name)) return false;
  if (telling.test(name)) return value.length >= 4;
  return value.length >= 8 && !address.test(value);
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
