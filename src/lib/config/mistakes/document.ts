import { isAlias, isMap, isScalar, isSeq, LineCounter, type Alias, type Node, type YAMLMap } from "yaml";
import { isMapping } from "../../common/plain.ts";
import { pathKey, type Path, type Position, type Problem } from "../../common/problem.ts";
import { endlessAlias, findTargets, lostAlias, readYaml, type AliasTargets, type YamlBounds } from "../../common/read-yaml.ts";

/** A YAML file as plain data that still knows the position of everything in it. */
export interface SourceDocument {
  value: unknown;
  /** Syntax errors and duplicate keys. */
  problems: Problem[];
  /** Whether the file could be read as YAML at all; if not, `value` has no meaning. */
  readable: boolean;
  /** The position of a problem's value, key or nearest parent. */
  locate: (problem: Pick<Problem, "path" | "at" | "atKey">) => Position;
}

/** Takes a string and its path, and returns the string that replaces it. */
export type Rewrite = (text: string, path: Path) => string;

interface Place {
  key?: number;
  value: number;
}

/** A file with a hundred images and twenty environments stays far below these bounds. */
const bounds: YamlBounds = { characters: 256 * 1024, tokens: 50_000, depth: 24 };
/** Maximum number of values, and of characters in them, with aliases expanded. */
const mostValues = 20_000;
const mostCharacters = 1024 * 1024;
const longestKey = 200;

/**
 * The keys that were meant by misspelt ones. A misspelt key is identified by the pathKey of its path, with the keys above it
 * already corrected.
 */
export type Corrections = ReadonlyMap<string, string>;

/**
 * Parses YAML and passes every string value to `rewrite`. Never throws because of mistakes in the text.
 * @param corrections keys to read as other keys; each is a problem, but its content is not lost
 */
export function parseSource(text: string, rewrite: Rewrite, corrections: Corrections = new Map()): SourceDocument {
  const lines = new LineCounter();
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problems: Problem[] = [];
  const report = (path: Path, offset: number, message: string) => void problems.push({ path, message, position: position(offset) });
  const places = new Map<string, Place>();
  const end = (): SourceDocument => ({
    value,
    problems,
    readable: problems.length === 0 || value !== undefined,
    locate: ({ path, at = path, atKey }) => position(findPlace(places, at, atKey === true)),
  });
  let value: unknown;

  const { documents, excess } = readYaml(text, { bounds, lines });
  const [document, second] = documents;
  const errors = (document?.errors ?? []).slice(0, mostErrors);
  const hint = errors.length > 0 && hasBareVariable(text) ? bareVariable : "";
  for (const error of errors) report([], error.pos[0], `${error.message.slice(0, longestMessage).replace(/\s+/g, " ")}${hint}`);
  if (excess !== undefined) report([], excess.offset, excess.message);
  if (second !== undefined) report([], second.range[0], "a second document begins here: everything belongs in one");
  if (document === undefined || problems.length > 0) return end();
  const { targets, lost } = findTargets(document);
  if (lost !== undefined) report([], lost.range?.[0] ?? 0, lostAlias(lost));
  if (problems.length > 0) return end();
  const walk: Walk = { targets, open: new Set(), spent: { values: 0, characters: 0 }, places, rewrite, corrections, report };
  try {
    value = toValue(document.contents, [], walk);
  } catch (error) {
    if (!(error instanceof TooMuch)) throw error;
    report([], error.offset, error.message);
  }
  return end();
}

const double = "this key is there already: each may appear once";

/** Longer messages only repeat the file. */
const longestMessage = 300;
/** Further errors only follow from these. */
const mostErrors = 50;
const bareVariable = '; within { } and [ ] a variable needs quotes: "${NAME}"';

/** Whether a variable follows a bracket or a comma in a line, without a quote between them. */
function hasBareVariable(text: string): boolean {
  let isWithin = false;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] ?? "";
    if (isWithin && letter === "$" && text[at + 1] === "{") return true;
    if ("{[,".includes(letter)) isWithin = true;
    else if ("\"'\n".includes(letter)) isWithin = false;
  }
  return false;
}

interface Walk {
  targets: AliasTargets["targets"];
  /** Targets of the aliases that are being followed. */
  open: Set<Node>;
  spent: { values: number; characters: number };
  places: Map<string, Place>;
  rewrite: Rewrite;
  corrections: Corrections;
  /** Receives the place of a faulty key, and what is wrong with it. */
  report: (path: Path, offset: number, message: string) => void;
}

/** The file expands to more than the bounds allow. */
class TooMuch extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

function toValue(node: Node | null | undefined, path: Path, walk: Walk): unknown {
  const key = pathKey(path);
  const start = node?.range?.[0] ?? 0;
  if (node?.range && !walk.places.has(key)) walk.places.set(key, { value: start });
  if (++walk.spent.values > mostValues) throw new TooMuch(start, `what is written here stands for more than ${mostValues} values`);
  if (path.length > bounds.depth) throw new TooMuch(start, `this is nested more than ${bounds.depth} levels deep`);
  if (isAlias(node)) return followAlias(node, path, walk);
  if (isSeq<Node>(node)) return node.items.map((item, index) => toValue(item, [...path, index], walk));
  if (isMap<Node, Node>(node)) return toMapping(node, path, walk);
  if (!isScalar(node)) return null;
  if (typeof node.value === "string") {
    const text = walk.rewrite(node.value, path);
    walk.spent.characters += text.length;
    if (walk.spent.characters <= mostCharacters) return text;
    throw new TooMuch(start, `what is written here stands for more than ${mostCharacters} characters`);
  }
  // 3.10 as a number would become 3.1, so build arguments keep the text as written.
  if (typeof node.value === "number" && path.at(-2) === "args" && node.source !== undefined) return node.source;
  return node.value;
}

function followAlias(alias: Alias, path: Path, walk: Walk): unknown {
  const target = walk.targets.get(alias);
  if (target === undefined || walk.open.has(target)) throw new TooMuch(alias.range?.[0] ?? 0, endlessAlias(alias));
  walk.open.add(target);
  const value = toValue(target, path, walk);
  walk.open.delete(target);
  return value;
}

/** Merges the content of a key that appears twice, so that a mistake in either is found. */
function toMapping(node: YAMLMap<Node, Node>, path: Path, walk: Walk): Record<string, unknown> {
  const mapping: Record<string, unknown> = {};
  for (const { key, value } of node.items) {
    const start = key.range?.[0] ?? 0;
    const written = isScalar(key) ? String(key.value) : undefined;
    const fault = keyFault(written);
    if (written === undefined || fault !== undefined) {
      walk.report(written === undefined || written.length > longestKey ? path : [...path, written], start, fault ?? "");
      continue;
    }
    const name = walk.corrections.get(pathKey([...path, written])) ?? written;
    const inner = [...path, name];
    const twice = Object.hasOwn(mapping, name);
    if (twice) walk.report(inner, start, double);
    walk.places.set(pathKey(inner), { key: start, value: value?.range?.[0] ?? start });
    const found = toValue(value, inner, walk);
    mapping[name] = twice && isMapping(found) && isMapping(mapping[name]) ? { ...mapping[name], ...found } : found;
  }
  return mapping;
}

/** @param key undefined if it is a list, a mapping or an alias */
function keyFault(key: string | undefined): string | undefined {
  if (key === undefined) return "a key is plain text";
  if (key.length > longestKey) return `a key is at most ${longestKey} characters long`;
  return key === "__proto__" ? "this name cannot be used" : undefined;
}

function findPlace(places: Map<string, Place>, path: Path, atKey: boolean): number {
  const place = places.get(pathKey(path));
  if (place) return atKey ? (place.key ?? place.value) : place.value;
  // A missing key is reported at the key that lacks it.
  return path.length === 0 ? 0 : findPlace(places, path.slice(0, -1), true);
}
