import { interpolateCompose, interpolatedVariables } from "./interpolate.ts";

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", $: "$" };

/** A name and its separator from the value. */
const head = /[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*[=:][ \t]*/y;

/** How many characters all values may have together. Compose itself reports files that expand to more than a machine can hold. */
const mostCharacters = 1024 * 1024;

/**
 * The variables of an env file that Compose reads by itself, such as the `.env` beside an included file. Unlike the environment's
 * dotenv, these values are interpolated, as Compose does it: with the variables known already and those earlier in the file.
 */
export function readEnvFile(text: string, known: Readonly<Record<string, string>> = {}): Record<string, string> {
  const found = new Map<string, string>();
  const seen: Record<string, string> = { ...known };
  let characters = 0;
  for (const { name, value, isPlain } of assignmentsOf(text)) {
    const meant = isPlain ? value : interpolateCompose(value, seen);
    found.set(name, meant);
    if (!Object.hasOwn(known, name)) seen[name] = meant;
    characters += meant.length;
    if (characters > mostCharacters) break;
  }
  return Object.fromEntries(found);
}

/** The variables that an env file's values refer to. */
export function envFileReferences(text: string): string[] {
  return [...assignmentsOf(text)].flatMap(({ value, isPlain }) => (isPlain ? [] : interpolatedVariables(value)));
}

/**
 * Reads the assignments of an env file. A quoted value may have several lines. Any other ends at a comment or at the end of the
 * line.
 */
function* assignmentsOf(source: string): Generator<Value & { name: string }, void> {
  const text = source.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  for (let at = 0; at < text.length;) {
    const lineEnd = endOfLine(text, at);
    head.lastIndex = at;
    const [prefix, name] = head.exec(text) ?? [];
    const start = at + (prefix?.length ?? 0);
    at = lineEnd + 1;
    if (name === undefined || start > lineEnd) continue;
    const quoted = readQuoted(text, start);
    yield { name, ...(quoted ?? readPlain(text, start, lineEnd)) };
    if (quoted !== undefined) at = quoted.end + 1;
  }
}

interface Value {
  value: string;
  /** Whether dollar signs in it have no special meaning. */
  isPlain: boolean;
}

/** Returns undefined if the value is not quoted, or if anything but a comment follows the quotes. */
function readQuoted(text: string, start: number): (Value & { end: number }) | undefined {
  const quote = text[start];
  if (quote !== "'" && quote !== '"') return undefined;
  const close = quote === "'" ? text.indexOf("'", start + 1) : closingQuote(text, start + 1);
  if (close === -1) return undefined;
  const end = endOfLine(text, close);
  if (!/^[ \t]*(?:#.*)?$/.test(text.slice(close + 1, end))) return undefined;
  const value = text.slice(start + 1, close);
  return quote === "'" ? { value, isPlain: true, end } : { value: unescape(value), isPlain: false, end };
}

function closingQuote(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    if (text[at] === '"') return at;
    if (text[at] === "\\") at++;
  }
  return -1;
}

function readPlain(text: string, start: number, lineEnd: number): Value {
  let end = lineEnd;
  for (let at = text.indexOf("#", start); at !== -1 && at < lineEnd; at = text.indexOf("#", at + 1)) {
    if (!/[\s'"]/.test(text[at - 1] ?? "")) continue;
    end = at;
    break;
  }
  return { value: trimmed(text.slice(start, end)), isPlain: false };
}

/** Removes trailing blanks. A regular expression would scan the run of blanks again from each of them. */
function trimmed(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === " " || text[end - 1] === "\t")) end--;
  return text.slice(0, end);
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf("\n", start);
  return end === -1 ? text.length : end;
}

function unescape(text: string): string {
  return text.replaceAll(/\\([nrt"\\$])/g, (_whole, letter: string) => (letter === "$" ? "$$" : (escapes[letter] ?? letter)));
}
