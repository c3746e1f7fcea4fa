/** The same keys with other values. */
export function mapValues<In, Out>(record: Readonly<Record<string, In>>, map: (value: In, name: string) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}

/** Whether a value has keys of its own; a list has none. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
