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

/** KEY and PIN as words of their own: valkey is a database. */
const telling = /pass|pwd|secret|token|dsn|url|credential|(?:^|_|api|private|access)key|(?:^|_)(?:pin|auth|salt)(?:_|$)/i;

/** Names that sound secret, of what is none: how long a token is valid, where a key lies. */
const aboutSecrets =
  /(?:_|^)(?:ttl|timeout|expir\w*|lifetime|length|size|seconds|minutes|hours|days|age|enabled|required|policy|file|path|dir|name|id|user|url|dsn)$/i;

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
    hide(name, value, publicWords);
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

/**
 * Keeps a value out of output, if its name or its length tells that it is a secret. Addresses are none: "198.18.0.2" stands within
 * "198.18.0.20". What sounds secret and cannot be hidden is told of.
 */
function hide(name: string, value: string, publicWords: PublicWords | undefined): void {
  const soundsSecret = telling.test(name);
  const isSecret = soundsSecret && !aboutSecrets.test(name) && value !== "" && !/^(?:true|false|yes|no|on|off)$/i.test(value);
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
