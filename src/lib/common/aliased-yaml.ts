import { isAlias, isMap, isScalar, isSeq, type Alias, type Document, type Node } from "yaml";
import { endlessAlias, findTargets, lostAlias } from "./read-yaml.ts";

/** So many values no honest file stands for. */
const mostValues = 1_000_000;

/** Where aliases lead. */
export type Aliases = ReadonlyMap<Alias, Node>;

/**
 * Finds where each alias leads. The size of what a document stands for is counted, and never written out.
 *
 * @param report gets where a fault is, in characters from the beginning, and what it is
 * @returns undefined, and reported, where one leads nowhere, into itself, or to more than any machine could hold
 */
export function resolveAliases(document: Document, report: (offset: number, message: string) => void): Aliases | undefined {
  const refuse = (offset: number, message: string): undefined => {
    report(offset, message);
    return undefined;
  };
  const { targets: aliases, lost, double } = findTargets(document);
  if (lost !== undefined) return refuse(lost.range?.[0] ?? 0, lostAlias(lost));
  // What else it names is found all the same.
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

/** Looks things up in a document without writing its aliases out. */
export class AliasReader {
  readonly #aliases: Aliases;

  constructor(aliases: Aliases) {
    this.#aliases = aliases;
  }

  /** The pairs of a mapping, merged ones at the end; none of anything else. */
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

  /** The items of a list; something else counts as a list of itself, nothing as an empty one. */
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

/** The key `<<`, which the reader of YAML gives as a symbol. */
function isMerge(key: unknown): boolean {
  return key === "<<" || (typeof key === "symbol" && key.description === "<<");
}
