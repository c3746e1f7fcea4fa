import { Composer, isMap, isScalar, Lexer, Parser, visit, type Alias, type CST, type Document, type LineCounter, type Node } from "yaml";

/**
 * Limits for a YAML text. A text beyond them would take seconds or hundreds of megabytes to read, and no honest file is like
 * that.
 */
export interface YamlBounds {
  /** UTF-16 units. */
  characters: number;
  /** Tokens of the text: words, brackets, commas, spaces between them. */
  tokens: number;
  /** Nesting depth of collections. */
  depth: number;
}

/** A fault in a text, and its offset. */
export interface YamlFault {
  offset: number;
  message: string;
}

export interface ReadYaml {
  documents: Document.Parsed[];
  /** Why the text, or the rest of it, was not read. */
  excess?: YamlFault;
}

export interface ReadYamlOptions {
  bounds: YamlBounds;
  lines: LineCounter;
  /** Whether `<<` merges. */
  merge?: boolean;
}

/** Maximum number of errors. Nobody reads more of them, and each costs as much as the text that it is about. */
const mostErrors = 20;

class Excess extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

/** Reads YAML within bounds. Never throws because of mistakes in the text. The caller has to look for duplicate keys. */
export function readYaml(text: string, { bounds, lines, merge = false }: ReadYamlOptions): ReadYaml {
  const documents: Document.Parsed[] = [];
  const composer = new Composer({ merge, uniqueKeys: false, prettyErrors: false, strict: true, logLevel: "silent" });
  try {
    for (const document of composer.compose(tokensOf(text, bounds, lines), true, text.length)) documents.push(document);
    return { documents };
  } catch (error) {
    if (!(error instanceof Excess)) throw error;
    return { documents, excess: { offset: error.offset, message: error.message } };
  }
}

/** @throws Excess as soon as a bound is exceeded, before anything that follows is processed */
function* tokensOf(text: string, bounds: YamlBounds, lines: LineCounter): Generator<CST.Token, void> {
  if (text.length > bounds.characters) throw new Excess(0, `this is longer than ${bounds.characters} characters`);
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  let count = 0;
  let errors = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (++count > bounds.tokens) throw new Excess(parser.offset, `this has more than ${bounds.tokens} words and signs`);
    for (const token of parser.next(lexeme)) {
      if (token.type === "error" && ++errors > mostErrors) return;
      yield token;
    }
    if (parser.stack.length > bounds.depth) throw new Excess(parser.offset, `this is nested more than ${bounds.depth} levels deep`);
  }
  yield* parser.end();
}

/** The nodes that the aliases of a document refer to. */
export interface AliasTargets {
  targets: ReadonlyMap<Alias, Node>;
  /** The first alias without an anchor before it. */
  lost: Alias | undefined;
  /** The first key that its mapping already has. */
  double: Node | undefined;
}

/** Resolves the aliases in one pass over the document: an anchor applies to what follows, until it is defined again. */
export function findTargets(document: Document): AliasTargets {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  let lost: Alias | undefined;
  let double: Node | undefined;
  visit(document, {
    Alias(_key, alias) {
      const target = anchors.get(alias.source);
      if (target === undefined) lost ??= alias;
      else targets.set(alias, target);
    },
    Value(_key, node) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      if (isMap<Node>(node)) double ??= doubleKey(node.items.map(({ key }) => key));
    },
  });
  return { targets, lost, double };
}

function doubleKey(keys: readonly Node[]): Node | undefined {
  const seen = new Set<unknown>();
  return keys.find((key) => isScalar(key) && seen.size === seen.add(key.value).size);
}

/** The message for an alias without an anchor. */
export function lostAlias(alias: Alias): string {
  return `the alias *${alias.source} stands for nothing: its anchor is missing`;
}

/** The message for an alias within its own anchor. */
export function endlessAlias(alias: Alias): string {
  return `the alias *${alias.source} stands for something that it is part of`;
}
