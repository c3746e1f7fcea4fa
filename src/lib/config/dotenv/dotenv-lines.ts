export interface Assignment {
  name: string;
  value: string;
  /** From 1. */
  line: number;
  /** The assignment as written, without the end of its last line. */
  written: string;
}

export interface DotenvFault {
  /** From 1. */
  line: number;
  /** Contains the name at most, never the value. */
  message: string;
}

interface Parsed {
  value: string;
  /** Offset in the text after the value and what may follow it. */
  end: number;
}

const escapes: Record<string, string> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", $: "$" };

/** Splits a dotenv into assignments and faults. A fault in one line hides nothing in the next. */
export function readDotenvLines(source: string): { assignments: Assignment[]; faults: DotenvFault[] } {
  const text = source.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  const assignments: Assignment[] = [];
  const faults: DotenvFault[] = [];
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const lineEnd = endOfLine(text, at);
    const found = readLine(text, at, lineEnd);
    const end = found && "end" in found ? found.end : lineEnd;
    if (found && "end" in found) assignments.push({ name: found.name, value: found.value, line, written: text.slice(at, end) });
    else if (found) faults.push({ line, message: found.message });
    line += text.slice(at, end).split("\n").length;
    at = end + 1;
  }
  return { assignments, faults };
}

/** Undefined for a blank line or a comment. */
function readLine(text: string, start: number, lineEnd: number): (Parsed & { name: string }) | { message: string } | undefined {
  const line = text.slice(start, lineEnd);
  if (/^\s*(#|$)/.test(line)) return undefined;
  const head = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)=[ \t]*/.exec(line);
  if (!head) return { message: explain(line) };
  const [prefix, name = ""] = head;
  const parsed = readValue(text, start + prefix.length, lineEnd, prefix);
  if (typeof parsed === "string") return { message: `${name}: ${parsed}` };
  if (parsed.value.includes("\0")) return { message: `${name}: a value cannot hold a NUL character` };
  return { name, ...parsed };
}

function explain(line: string): string {
  const spaced = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s+=/.exec(line);
  if (spaced) return `${spaced[1]}: there is a space before the =`;
  return "this is no assignment";
}

/** A value, or what is wrong with it. */
function readValue(text: string, start: number, lineEnd: number, prefix: string): Parsed | string {
  const quote = text[start];
  if (quote !== "'" && quote !== '"') {
    // `NAME= # comment`: the blank before the # already belongs to the prefix.
    const value = /[ \t]$/.test(prefix) ? ` ${text.slice(start, lineEnd)}` : text.slice(start, lineEnd);
    return { value: value.replace(/[ \t]#.*$/s, "").trim(), end: lineEnd };
  }
  const quoted = quote === "'" ? readSingle(text, start + 1) : readDouble(text, start + 1);
  if (quoted === undefined) return `the ${quote} is never closed`;
  const end = endOfLine(text, quoted.end);
  if (!/^[ \t]*(?:#.*)?$/s.test(text.slice(quoted.end, end))) return `there is text after the closing ${quote}`;
  return { value: quoted.value, end };
}

function readSingle(text: string, start: number): Parsed | undefined {
  const close = text.indexOf("'", start);
  return close < 0 ? undefined : { value: text.slice(start, close), end: close + 1 };
}

function readDouble(text: string, start: number): Parsed | undefined {
  let value = "";
  for (let at = start; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') return { value, end: at + 1 };
    const escaped = character === "\\" ? escapes[text[at + 1] ?? ""] : undefined;
    value += escaped ?? character;
    if (escaped !== undefined) at++;
  }
  return undefined;
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf("\n", start);
  return end < 0 ? text.length : end;
}
