import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type YAMLMap } from "yaml";
import { isMapping } from "./plain.ts";
import { pathKey, type Path, type Position, type Problem } from "./problem.ts";

/** A YAML file as plain data that still knows where everything was written. */
export interface SourceDocument {
  value: unknown;
  /** Syntax errors and duplicate keys. */
  problems: Problem[];
  /** Whether the file could be read as YAML at all; if not, `value` says nothing. */
  readable: boolean;
  /** Where a problem's value, key or nearest parent is. */
  locate: (problem: Pick<Problem, "path" | "at" | "atKey">) => Position;
}

/** Takes a string and its path, gives what it stands for. */
export type Rewrite = (text: string, path: Path) => string;

interface Place {
  key?: number;
  value: number;
}

const deepest = 40;

/** The keys that are meant by misspelt ones, by pathKey of where they are written, with what is above them as it is meant. */
export type Corrections = ReadonlyMap<string, string>;

/**
 * Parses YAML; `rewrite` sees every string value. Never throws for what is wrong in the text.
 * @param corrections keys that are read as others; each is a problem, and what is in it is not lost
 */
export function parseSource(text: string, rewrite: Rewrite, corrections: Corrections = new Map()): SourceDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true, uniqueKeys: false, logLevel: "error" });
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problems: Problem[] = document.errors.map((error) => ({
    path: [],
    message: explain(error.message, text),
    position: position(error.pos[0]),
  }));
  const readable = problems.length === 0;
  const places = new Map<string, Place>();
  const value = readable
    ? toValue(document.contents, [], {
        document,
        places,
        rewrite,
        corrections,
        report: (path, offset) => void problems.push({ path, message: double, position: position(offset) }),
      })
    : undefined;
  return { value, problems, readable, locate: ({ path, at = path, atKey }) => position(findPlace(places, at, atKey === true)) };
}

const double = "this key is there already: each may appear once";

function explain(message: string, text: string): string {
  if (message.startsWith("Source contains multiple documents")) return "a second document begins here: everything belongs in one";
  const hint = /[{[,][^"'\n]*:?\s*\$\{/.test(text) ? '; within { } and [ ] a variable needs quotes: "${NAME}"' : "";
  return `${message.replace(/\s+/g, " ")}${hint}`;
}

interface Walk {
  document: Document;
  places: Map<string, Place>;
  rewrite: Rewrite;
  corrections: Corrections;
  /** Takes a key that its mapping has already. */
  report: (path: Path, offset: number) => void;
}

function toValue(node: Node | null | undefined, path: Path, walk: Walk): unknown {
  const key = pathKey(path);
  if (node?.range && !walk.places.has(key)) walk.places.set(key, { value: node.range[0] });
  if (path.length > deepest) return null;
  if (isAlias(node)) return toValue(node.resolve(walk.document), path, walk);
  if (isSeq<Node>(node)) return node.items.map((item, index) => toValue(item, [...path, index], walk));
  if (isMap<Node, Node>(node)) return toMapping(node, path, walk);
  if (!isScalar(node)) return null;
  if (typeof node.value === "string") return walk.rewrite(node.value, path);
  // 3.10 as a number would become 3.1: build arguments keep what was written.
  if (typeof node.value === "number" && path.at(-2) === "args" && node.source !== undefined) return node.source;
  return node.value;
}

/** What stands under a key that appears twice is put together, so that a mistake in either shows. */
function toMapping(node: YAMLMap<Node, Node>, path: Path, walk: Walk): Record<string, unknown> {
  const mapping: Record<string, unknown> = {};
  for (const { key, value } of node.items) {
    const written = isScalar(key) ? String(key.value) : String(key);
    const name = walk.corrections.get(pathKey([...path, written])) ?? written;
    const inner = [...path, name];
    const start = key.range?.[0] ?? 0;
    const twice = Object.hasOwn(mapping, name);
    if (twice) walk.report(inner, start);
    walk.places.set(pathKey(inner), { key: start, value: value?.range?.[0] ?? start });
    const found = toValue(value, inner, walk);
    mapping[name] = twice && isMapping(found) && isMapping(mapping[name]) ? { ...mapping[name], ...found } : found;
  }
  return mapping;
}

function findPlace(places: Map<string, Place>, path: Path, atKey: boolean): number {
  const place = places.get(pathKey(path));
  if (place) return atKey ? (place.key ?? place.value) : place.value;
  // What is missing is reported at the key that it is missing from.
  return path.length === 0 ? 0 : findPlace(places, path.slice(0, -1), true);
}
