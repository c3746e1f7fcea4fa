import { joinPaths } from "../common/path.ts";

/** Tells whether a path, relative to the context, is left out of it. */
export interface Ignores {
  (path: string): boolean;
  /** Whether exceptions may let some of the ignored paths in again. */
  hasExceptions: boolean;
}

/**
 * Reads a `.dockerignore` by BuildKit's rules: the last pattern that matches a path, or a folder that it lies in, decides. A file
 * that BuildKit would refuse leaves nothing out.
 */
export function readIgnoreFile(text: string): Ignores {
  const patterns = patternsOf(text);
  if (patterns === undefined || patterns.length === 0) return Object.assign(() => false, { hasExceptions: false });
  const ignores = (path: string) => {
    const parts = path.split("/");
    const paths = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
    let ignored = false;
    for (const { exception, fits } of patterns) {
      if (exception === ignored && paths.some((each) => fits.test(each))) ignored = !exception;
    }
    return ignored;
  };
  return Object.assign(ignores, { hasExceptions: patterns.some(({ exception }) => exception) });
}

interface Pattern {
  /** Written with a `!`: paths that match are let in again. */
  exception: boolean;
  fits: RegExp;
}

function patternsOf(text: string): Pattern[] | undefined {
  try {
    return text
      .replace(/^\uFEFF/, "")
      .split(/\r?\n/)
      .filter((line) => !line.startsWith("#"))
      .map((line) => line.trim())
      .filter((line) => line !== "")
      .map(parsePattern);
  } catch {
    return undefined;
  }
}

function parsePattern(line: string): Pattern {
  const exception = line.startsWith("!");
  const written = exception ? line.slice(1).trim() : line;
  // A leading `..` stays, and matches nothing.
  return { exception, fits: compile(joinPaths(written)) };
}

/** A path pattern as a regular expression: `*` and `?` stay within a folder's name, `**` crosses folders, `[…]` is a set. */
function compile(pattern: string): RegExp {
  let source = "^";
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? "";
    if (character === "*" && pattern[at + 1] === "*") {
      at++;
      if (pattern[at + 1] === "/") at++;
      source += at + 1 >= pattern.length ? ".*" : "(?:.*/)?";
    } else if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "\\") source += escape(pattern[++at] ?? "\\");
    else if (character === "[") {
      const end = endOfSet(pattern, at);
      source += pattern.slice(at, end + 1);
      at = end;
    } else source += escape(character);
  }
  return new RegExp(`${source}$`, "su");
}

function endOfSet(pattern: string, start: number): number {
  for (let at = start + 1; at < pattern.length; at++) {
    if (pattern[at] === "\\") at++;
    else if (pattern[at] === "]") return at;
  }
  throw new SyntaxError(`a set without an end: ${pattern}`);
}

function escape(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}
