import { isAlias, isMap, isScalar, isSeq, type Alias, type Document, type Node } from "yaml";
import { endlessAlias, findTargets, lostAlias } from "./read-yaml.ts";

/** No honest file expands to this many values. */
const mostValues = 1_000_000;

/** The node that each alias refers to. */
export type Aliases = ReadonlyMap<Alias, Node>;

/**
 * Resolves every alias of a document. Counts the size of the expanded document without expanding it.
 *
 * @param report receives the place of a fault, in characters from the beginning, and a message
 * @returns undefined, after a report, if an alias has no anchor, is part of its own anchor, or expands to more than any machine
 * could hold
 */
export function resolveAliases(document: Document, report: (offset: number, message: string) => void): Aliases | undefined {
  const refuse = (offset: number, message: string): undefined => {
    report(offset, message);
    return undefined;
  };
  const { targets: aliases, lost, double } = findTargets(document);
  if (lost !== undefined) return refuse(lost.range?.[0] ?? 0, lostAlias(lost));
  // A duplicate key is reported, but the aliases are still resolved.
  if (double !== undefined) report(double.range?.[0] ?? 0, "Map keys must be unique");

  const sizes = new Map<Node, number>();
  const open = new Set<Node>();
  let fault: { alias: Alias; message: string } | undefined;
  const sizeOf = (node: unknown): number => {
    if (isAlias(node)) {
      const target = aliases.get(node)!;
      if (open.has(target)) fault ??= { alias: node, message: endlessAlias(node) };
      const size = open.has(target) ? 1 : sizeOf(target);
      if (size > mostValues) fault ??= { alias: node, message: `the alias *${node.source} stands for more than ${mostValues} values` };
      return size;
    }
    if (!isMap(node) && !isSeq(node)) return 1;
    const known = sizes.get(node);
    if (known !== undefined) return known;
    open.add(node);
    let size = 1;
    if (isMap(node)) for (const { value } of node.items) size += 1 + sizeOf(value);
    else for (const item of node.items) size += sizeOf(item);
    open.delete(node);
    sizes.set(node, size);
    return size;
  };
  const size = sizeOf(document.contents);
  if (fault !== undefined) return refuse(fault.alias.range?.[0] ?? 0, fault.message);
  if (size > mostValues) return refuse(0, `its aliases stand for more than ${mostValues} values`);
  return aliases;
}

/** Looks things up in a document without expanding its aliases. */
export class AliasReader {
  readonly #aliases: Aliases;

  constructor(aliases: Aliases) {
    this.#aliases = aliases;
  }

  /** The pairs of a mapping, with merged pairs at the end; empty for anything else. */
  pairs(node: unknown): [key: string, value: unknown][] {
    const map = this.#follow(node);
    if (!isMap(map)) return [];
    const all = map.items.flatMap(({ key, value }) => (isScalar(key) ? [{ key: key.value, value }] : []));
    const merges = all.filter(({ key }) => isMerge(key)).flatMap(({ value }) => this.#merged(value));
    return [...all.filter(({ key }) => !isMerge(key)).map(({ key, value }): [string, unknown] => [String(key), value]), ...merges];
  }

  at(node: unknown, key: string): unknown {
    return this.pairs(node).find(([name]) => name === key)?.[1];
  }

  /** The items of a list. Any other value counts as a list of that one value, and an absent value as an empty list. */
  items(node: unknown): unknown[] {
    const list = this.#follow(node);
    if (isSeq(list)) return list.items;
    return list === undefined || list === null || (isScalar(list) && list.value === null) ? [] : [list];
  }

  text(node: unknown): string | undefined {
    const scalar = this.#follow(node);
    return isScalar(scalar) && typeof scalar.value === "string" ? scalar.value : undefined;
  }

  texts(node: unknown): string[] {
    return this.items(node)
      .map((item) => this.text(item))
      .filter((text) => text !== undefined);
  }

  isFalse(node: unknown): boolean {
    const scalar = this.#follow(node);
    return isScalar(scalar) && String(scalar.value) === "false";
  }

  #merged(node: unknown): [string, unknown][] {
    return this.items(node).flatMap((item) => this.pairs(item));
  }

  #follow(node: unknown): unknown {
    return isAlias(node) ? this.#follow(this.#aliases.get(node)) : node;
  }
}

/** Whether a key is `<<`, which the YAML parser represents as a symbol. */
function isMerge(key: unknown): boolean {
  return key === "<<" || (typeof key === "symbol" && key.description === "<<");
}
