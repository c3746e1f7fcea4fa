import type { Path } from "./problem.ts";

/** A value as a mapping; an empty one when it is something else: what is wrong with it is the schema's to say. */
export function asMapping(value: unknown): Record<string, unknown> {
  return isMapping(value) ? value : {};
}

/** Whether a value has keys of its own; a list has none. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value as a list; an empty one when it is something else. */
export function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value at a path of plain data. */
export function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const part of path) {
    current = typeof part === "number" ? asList(current)[part] : asMapping(current)[part];
  }
  return current;
}

/** Keys below these are the user's names: an empty value there is a mistake, or a value, and not an absent setting. */
const named = new Set(["images", "services", "environments", "args", "secrets"]);

/** The same data without settings that are null or empty text: `fingerprint: ${FINGERPRINT:-}` means none. */
export function dropEmpty(value: unknown, path: Path = []): unknown {
  if (Array.isArray(value)) return value.map((item, index) => dropEmpty(item, [...path, index]));
  if (!isMapping(value)) return value;
  const last = path.at(-1);
  const keep = typeof last === "string" && named.has(last) && (path.length === 1 || last === "args" || last === "secrets");
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => keep || (inner !== null && inner !== ""))
      .map(([key, inner]) => [key, dropEmpty(inner, [...path, key])]),
  );
}

type Defined<Value> = { [Key in keyof Value]?: Exclude<Value[Key], undefined> };

/** The same object without what is undefined. */
export function defined<Value extends object>(value: Value): Defined<Value>;
export function defined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined));
}

/** The same keys with other values. */
export function mapValues<In, Out>(record: Readonly<Record<string, In>>, map: (value: In, name: string) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}

/** What a JSON text says; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
