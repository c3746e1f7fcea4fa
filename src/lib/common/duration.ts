const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, μs: 1e-3, ns: 1e-6 };

const part = "(\\d+(?:\\.\\d+)?)(h|ms|m|s|us|µs|μs|ns)";

/** Milliseconds of a duration as Compose writes it (`1m30s`); undefined if the text is not a duration. */
export function parseDuration(written: unknown): number | undefined {
  if (typeof written !== "string" || !new RegExp(`^(?:${part})+$`).test(written)) return undefined;
  return [...written.matchAll(new RegExp(part, "g"))].reduce((sum, [, count, unit = ""]) => sum + Number(count) * (units[unit] ?? 0), 0);
}
