import type { Path } from "./problem.ts";

/** A value as a mapping; an empty mapping if it is something else. The schema reports what is wrong with it. */
export function asMapping(value: unknown): Record<string, unknown> {
  return isMapping(value) ? value : {};
}

/** Whether a value has keys of its own; a list has none. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value as a list; an empty list if it is something else. */
export function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value at a path in plain data. */
export function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const part of path) {
    current = typeof part === "number" ? asList(current)[part] : asMapping(current)[part];
  }
  return current;
}

/** Below these keys the names are the user's. An empty value there is a mistake, or a value, but not an absent setting. */
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

/** The same object without its undefined values. */
export function defined<Value extends object>(value: Value): Defined<Value>;
export function defined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined));
}

/** The same keys with other values. */
export function mapValues<In, Out>(record: Readonly<Record<string, In>>, map: (value: In, name: string) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}

/** The value of a JSON text; undefined if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
