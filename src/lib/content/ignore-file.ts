import { joinPaths } from "../common/path.ts";

/** Tells whether a path, relative to the context, is left out of it. */
export interface Ignores {
  (path: string): boolean;
  /** Whether exceptions may let some of the ignored paths in again. */
  hasExceptions: boolean;
}

/**
 * Reads a `.dockerignore` by BuildKit's rules: the last pattern that matches a path, or a folder that it lies in, decides. A file
 * that BuildKit would refuse leaves nothing out, and neither does one with too many patterns.
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
  fits: Pick<RegExp, "test">;
}

/** The maximum number of patterns. Each one is compared with every file, and nobody writes more. */
const mostPatterns = 2000;

function patternsOf(text: string): Pattern[] | undefined {
  try {
    const lines = text
      .replace(/^\uFEFF/, "")
      .split(/\r?\n/)
      .filter((line) => !line.startsWith("#"))
      .map((line) => line.trim())
      .filter((line) => line !== "");
    return lines.length > mostPatterns ? undefined : lines.map(parsePattern);
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

/** A part of a path pattern: it matches one character of a path, or any number of characters. */
type Part =
  | { kind: "one"; source: string; is: (character: string) => boolean }
  /** `*` matches within a folder's name, `**` at the end of a pattern, and `**` with the slash after it anywhere else. */
  | { kind: "name" | "rest" | "folders"; source: string };

const anyOf = {
  name: { kind: "name", source: "[^/]*" },
  rest: { kind: "rest", source: ".*" },
  folders: { kind: "folders", source: "(?:.*/)?" },
} as const;

/** The maximum number of stars that a regular expression gets. With more of them, it would try every way to split a path. */
const mostAnys = 2;

/** A matcher for a path pattern: `*` and `?` stay within a folder's name, `**` crosses folders, `[…]` is a set. */
function compile(pattern: string): Pick<RegExp, "test"> {
  const parts: Part[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? "";
    if (character === "*" && pattern[at + 1] === "*") {
      at++;
      if (pattern[at + 1] === "/") at++;
      parts.push(at + 1 >= pattern.length ? anyOf.rest : anyOf.folders);
    } else if (character === "*") parts.push(anyOf.name);
    else if (character === "?") parts.push({ kind: "one", source: "[^/]", is: (one) => one !== "/" });
    else if (character === "[") {
      const end = endOfSet(pattern, at);
      const source = pattern.slice(at, end + 1);
      const set = new RegExp(`^${source}$`, "su");
      parts.push({ kind: "one", source, is: (one) => set.test(one) });
      at = end;
    } else {
      const [meant = "\\"] = pattern.slice(character === "\\" ? at + 1 : at);
      at += meant.length - (character === "\\" ? 0 : 1);
      parts.push({ kind: "one", source: escape(meant), is: (one) => one === meant });
    }
  }
  if (parts.filter(({ kind }) => kind !== "one").length > mostAnys) return { test: (path) => fitsInTurn(path, parts) };
  return new RegExp(`^${parts.map(({ source }) => source).join("")}$`, "su");
}

/** The same for many stars, in time that grows with the product of both lengths. It tracks every place in the pattern that the path so far may lead to. */
function fitsInTurn(path: string, parts: readonly Part[]): boolean {
  const open = (places: Set<number>, from: number) => {
    let at = from;
    for (places.add(at); parts[at] !== undefined && parts[at]!.kind !== "one"; at++) places.add(at + 1);
  };
  let places = new Set<number>();
  open(places, 0);
  for (const character of path) {
    const next = new Set<number>();
    for (const place of places) {
      const part = parts[place];
      if (part === undefined) continue;
      if (part.kind === "one") {
        if (part.is(character)) open(next, place + 1);
      } else if (part.kind === "folders") {
        // It continues only at a slash.
        next.add(place);
        if (character === "/") open(next, place + 1);
      } else if (part.kind === "rest" || character !== "/") open(next, place);
    }
    places = next;
  }
  return places.has(parts.length);
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
