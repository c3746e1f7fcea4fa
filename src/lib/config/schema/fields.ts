import * as z from "zod";

// Every command builds all of these schemas before it reads its file, so what fields share is built only once.

/** A value that still contains a reference to a variable. The value is not needed, so the variable was not resolved. */
const template = z
  .string()
  .regex(/\$\{[^{}]+\}/)
  .transform((): undefined => undefined);

const anyText = z.string();
const someText = anyText.min(1);
const saidText = z.string().min(1, { error: "must not be empty" });

/** Non-empty text. */
export function text(description: string) {
  return saidText.describe(description);
}

/** No form accepts longer text, and matching it could take long. */
const longest = 4096;

/** Text of a given form; `rule` describes the form. */
export function textLike(pattern: RegExp, rule: string, description: string) {
  const formed = anyText.max(longest, { error: rule, abort: true }).regex(pattern, { error: rule });
  return z.union([formed, template], { error: rule }).describe(description);
}

const writtenFlag = z.enum(["true", "false"]).transform((value) => value === "true");
const anyFlag = z.union([z.boolean(), writtenFlag, template], { error: "expected true or false" });

/** `true` and `false`, also as text, because variables hold text. */
export function flag(description: string) {
  return anyFlag.describe(description);
}

/** A number from 1 to a bound; `what` names it in errors. */
export function number(what: string, most: number, description: string) {
  return numberUpTo(what, most).describe(description);
}

function numberUpTo(what: string, most: number) {
  const rule = { error: `expected ${what}, from 1 to ${most}` };
  const whole = z.int(rule).min(1, rule).max(most, rule);
  const written = anyText
    .regex(/^\d{1,9}$/, rule)
    .transform(Number)
    .pipe(whole);
  return z.union([whole, written, template], rule);
}

const anyPort = numberUpTo("a port", 65_535);

/** A TCP port. */
export function port(description: string) {
  return anyPort.describe(description);
}

const milliseconds = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

const durationRule = { error: "expected a duration such as 500ms, 60s, 10m, 1h or 7d" };
const writtenDuration = anyText.regex(/^[1-9]\d{0,8}(ms|s|m|h|d)$/, durationRule).transform((value) => {
  const [, count, unit = "s"] = /^(\d+)(\w+)$/.exec(value) ?? [];
  return Number(count) * (milliseconds.get(unit) ?? 0);
});
const anyDuration = z.union([writtenDuration, template], durationRule);

/** `500ms`, `60s`, `10m`, `1h` or `7d`, as milliseconds. */
export function duration(description: string) {
  return anyDuration.describe(description);
}

/** Where a secret comes from; see secret-source.ts. */
export type SecretSource = string | { command: string[] } | { file: string } | { env: string } | { sops: string };

const anySecret = z.union(
  [
    anyText,
    z.strictObject({ command: z.array(anyText).min(1).describe("A program and its arguments; what it prints is the value.") }),
    z.strictObject({ file: someText.describe("A file that holds the value.") }),
    z.strictObject({ env: someText.describe("The environment variable that holds the value.") }),
    z.strictObject({ sops: someText.describe("A file that the program sops decrypts.") }),
  ],
  { error: "expected text, or one of {command: [PROGRAM, ARGUMENT…]}, {file: PATH}, {env: NAME}, {sops: PATH}" },
);

/** A secret: the value itself, or the program or file that provides it. */
export function secret(description: string) {
  return anySecret.describe(description);
}

/** The secret itself, or several that are joined in this order. */
export function secrets(description: string) {
  return z
    .union([anySecret, z.array(anySecret).min(1)], {
      error: "expected text, one of {command: [PROGRAM, ARGUMENT…]}, {file: PATH}, {env: NAME}, {sops: PATH}, or a list of them",
    })
    .describe(description);
}

/** A program with its arguments, or just the path of a program. */
export const program = z.union([someText, z.array(someText).min(1)], {
  error: "expected a path, or a list of a program and its arguments",
});

/** A map whose keys have a given form. */
export function named<Value extends z.ZodType>(pattern: RegExp, rule: string, value: Value) {
  return z.record(anyText.regex(pattern, { error: rule }), value);
}
