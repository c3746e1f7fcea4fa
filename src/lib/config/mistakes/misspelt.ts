import { keysAt } from "./issues.ts";
import { didYouMean, nearest } from "../../common/nearest.ts";
import { isMapping } from "../../common/plain.ts";
import { pathKey, type Path, type Problem } from "../../common/problem.ts";
import { schema } from "../schema/schema.ts";

/** A key that the schema does not know, and that is close to one that is not there. */
export interface Misspelt {
  /** With what is above it as it is meant. */
  path: Path;
  meant: string;
}

/** Finds misspelt keys, those within misspelt ones, too: what is written below is looked at as what it was meant for. */
export function findMisspelt(value: unknown, path: Path = []): Misspelt[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => findMisspelt(item, [...path, index]));
  if (!isMapping(value)) return [];
  const known = keysAt(schema, path);
  const taken = new Set(Object.keys(value));
  return Object.entries(value).flatMap(([key, inner]) => {
    // Where the user gives the names, the schema knows none.
    const isKnown = known.length === 0 || known.includes(key);
    const meant = isKnown
      ? undefined
      : nearest(
          key,
          known.filter((name) => !taken.has(name)),
        );
    if (meant === undefined) return findMisspelt(inner, [...path, key]);
    taken.add(meant);
    return [{ path: [...path, key], meant }, ...findMisspelt(inner, [...path, meant])];
  });
}

export function correctionsFor(misspelt: readonly Misspelt[]): ReadonlyMap<string, string> {
  return new Map(misspelt.map(({ path, meant }) => [pathKey(path), meant]));
}

/** Each as a problem; what is there under the key that is meant is where it is written. */
export function misspeltProblems(misspelt: readonly Misspelt[]): Problem[] {
  return misspelt.map(({ path, meant }) => {
    const written = String(path.at(-1));
    return {
      path,
      at: [...path.slice(0, -1), meant],
      atKey: true,
      message: `unknown key${didYouMean(written, [meant])}`,
    };
  });
}
