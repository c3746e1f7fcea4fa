import { keysAt } from "./issues.ts";
import { didYouMean, nearest } from "../../common/nearest.ts";
import { isMapping } from "../../common/plain.ts";
import { pathKey, type Path, type Problem } from "../../common/problem.ts";
import { schema } from "../schema/schema.ts";

/** A key that the schema does not know, and that resembles a known key that is absent. */
export interface Misspelt {
  /** The path, with the keys above it already corrected. */
  path: Path;
  meant: string;
}

/** Finds misspelt keys, also those below misspelt keys: their content is checked as that of the key that was meant. */
export function findMisspelt(value: unknown, path: Path = []): Misspelt[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => findMisspelt(item, [...path, index]));
  if (!isMapping(value)) return [];
  const known = keysAt(schema, path);
  const taken = new Set(Object.keys(value));
  return Object.entries(value).flatMap(([key, inner]) => {
    // Where users choose the names, the schema knows none.
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

/** Each misspelt key as a problem. Its position is found under the key that was meant. */
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
