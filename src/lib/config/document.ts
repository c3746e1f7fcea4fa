import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from "yaml";
import { pathKey, type Path, type Position, type Problem } from "./problem.ts";

/** A YAML file as plain data that still knows where everything was written. */
export interface SourceDocument {
  value: unknown;
  /** Syntax errors and duplicate keys. */
  problems: Problem[];
  /** Whether the file could be read as YAML at all; if not, `value` says nothing. */
  readable: boolean;
  /** Where a problem's value, key or nearest parent is. */
  locate: (problem: Pick<Problem, "path" | "atKey">) => Position;
}

/** Takes a string and its path, gives what it stands for. */
export type Rewrite = (text: string, path: Path) => string;

interface Place {
  key?: number;
  value: number;
}

const deepest = 40;

/** Parses YAML; `rewrite` sees every string value. Never throws for what is wrong in the text. */
export function parseSource(text: string, rewrite: Rewrite): SourceDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true, uniqueKeys: true, logLevel: "silent" });
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problems = document.errors.map((error) => ({ path: [], message: explain(error, text), position: position(error.pos[0]) }));
  const readable = document.errors.every((error) => error.code === "DUPLICATE_KEY");
  const places = new Map<string, Place>();
  const value = readable ? toValue(document.contents, [], { document, places, rewrite }) : undefined;
  return { value, problems, readable, locate: ({ path, atKey }) => position(findPlace(places, path, atKey === true)) };
}

function explain(error: { code: string; message: string }, text: string): string {
  if (error.code === "DUPLICATE_KEY") return "this key is there already: each may appear once";
  const hint = /[{[,][^"'\n]*:?\s*\$\{/.test(text) ? '; within { } and [ ] a variable needs quotes: "${NAME}"' : "";
  return `${error.message.replace(/\s+/g, " ")}${hint}`;
}

interface Walk {
  document: Document;
  places: Map<string, Place>;
  rewrite: Rewrite;
}

function toValue(node: Node | null | undefined, path: Path, walk: Walk): unknown {
  const key = pathKey(path);
  if (node?.range && !walk.places.has(key)) walk.places.set(key, { value: node.range[0] });
  if (path.length > deepest) return null;
  if (isAlias(node)) return toValue(node.resolve(walk.document), path, walk);
  if (isSeq<Node>(node)) return node.items.map((item, index) => toValue(item, [...path, index], walk));
  if (isMap<Node, Node>(node)) {
    const entries = node.items.map(({ key: name, value }) => {
      const text = isScalar(name) ? String(name.value) : String(name);
      const inner = [...path, text];
      walk.places.set(pathKey(inner), { key: name.range?.[0] ?? 0, value: value?.range?.[0] ?? name.range?.[0] ?? 0 });
      return [text, toValue(value, inner, walk)] as const;
    });
    return Object.fromEntries(entries);
  }
  if (!isScalar(node)) return null;
  if (typeof node.value === "string") return walk.rewrite(node.value, path);
  // 3.10 as a number would become 3.1: build arguments keep what was written.
  if (typeof node.value === "number" && path.at(-2) === "args" && node.source !== undefined) return node.source;
  return node.value;
}

function findPlace(places: Map<string, Place>, path: Path, atKey: boolean): number {
  const place = places.get(pathKey(path));
  if (place) return atKey ? (place.key ?? place.value) : place.value;
  // What is missing is reported at the key that it is missing from.
  return path.length === 0 ? 0 : findPlace(places, path.slice(0, -1), true);
}
