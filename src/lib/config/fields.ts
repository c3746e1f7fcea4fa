import * as z from "zod";

/** A value that still holds a reference to a variable: nobody needed it, so nobody asked for the variable. */
const template = z.string().regex(/\$\{[^}]+\}/);

const unknown = (): undefined => undefined;

/** Text that is not empty. */
export function text(description: string) {
  return z.string().min(1, { error: "must not be empty" }).describe(description);
}

/** Text of a given form; `rule` says which. */
export function textLike(pattern: RegExp, rule: string, description: string) {
  return z.union([z.string().regex(pattern, { error: rule }), template.transform(unknown)], { error: rule }).describe(description);
}

/** `true` and `false`, also as text: what a variable holds is text. */
export function flag(description: string) {
  const written = z.enum(["true", "false"]).transform((value) => value === "true");
  return z.union([z.boolean(), written, template.transform(unknown)], { error: "expected true or false" }).describe(description);
}

/** A number, from 1 to a bound; `what` it is, for errors. */
export function number(what: string, most: number, description: string) {
  const rule = { error: `expected ${what}, from 1 to ${most}` };
  const whole = z.int(rule).min(1, rule).max(most, rule);
  const written = z
    .string()
    .regex(/^\d{1,9}$/, rule)
    .transform(Number)
    .pipe(whole);
  return z.union([whole, written, template.transform(unknown)], rule).describe(description);
}

/** A TCP port. */
export function port(description: string) {
  return number("a port", 65_535, description);
}

const milliseconds = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

/** `500ms`, `60s`, `10m`, `1h` or `7d`, as milliseconds. */
export function duration(description: string) {
  const rule = { error: "expected a duration such as 500ms, 60s, 10m, 1h or 7d" };
  const written = z
    .string()
    .regex(/^[1-9]\d{0,8}(ms|s|m|h|d)$/, rule)
    .transform((value) => {
      const [, count, unit = "s"] = /^(\d+)(\w+)$/.exec(value) ?? [];
      return Number(count) * (milliseconds.get(unit) ?? 0);
    });
  return z.union([written, template.transform(unknown)], rule).describe(description);
}

/** Where a secret comes from; see secret-source.ts. */
export type SecretSource = string | { command: string[] } | { file: string } | { env: string };

/** A secret: the value itself, or what to run or read for it. */
export function secret(description: string) {
  const sources = [
    z.string(),
    z.strictObject({ command: z.array(z.string()).min(1).describe("A program and its arguments; what it prints is the value.") }),
    z.strictObject({ file: z.string().min(1).describe("A file that holds the value.") }),
    z.strictObject({ env: z.string().min(1).describe("The environment variable that holds the value.") }),
  ] as const;
  return z
    .union(sources, { error: "expected text, or one of {command: [PROGRAM, ARGUMENT…]}, {file: PATH}, {env: NAME}" })
    .describe(description);
}

/** A map from names of a given form. */
export function named<Value extends z.ZodType>(pattern: RegExp, rule: string, value: Value) {
  return z.record(z.string().regex(pattern, { error: rule }), value);
}
