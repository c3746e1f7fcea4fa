import { format, inspect } from "node:util";
import { expect, test } from "vitest";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import { ColdtivateError } from "../../../src/lib/errors.ts";
import { describeFailure } from "../../../src/lib/report/failure.ts";
import { createPalette } from "../../../src/lib/report/palette.ts";
import { formatFailure } from "../../../src/lib/report/failure-text.ts";

const secret = new Secret("never-seen");
const holder = { credentials: { username: "me", password: secret }, all: [secret], map: new Map([["key", secret]]) };
/** As if somebody took it for a text. */
const text = secret as unknown as string;
const error = new ColdtivateError(`the login with ${text} failed`, { code: "X", exit: "refused", details: [String(secret)] });

test.each<[string, string]>([
  ["String", String(secret)],
  ["a template", `it is ${text}`],
  ["a sum", "it is " + text],
  ["join", [secret].join()],
  ["JSON", JSON.stringify(holder)],
  ["inspect", inspect(holder, { depth: 9, showHidden: true })],
  ["inspect without its own way", inspect(holder, { depth: 9, showHidden: true, customInspect: false })],
  ["format", format("%s %o %O %j", secret, secret, secret, secret)],
  ["entries", JSON.stringify(Object.entries(secret))],
  ["a copy", JSON.stringify(Object.assign({}, secret))],
  ["an error", [error.message, error.stack, ...error.details].join()],
  ["an error with a cause", inspect(new Error("x", { cause: holder }))],
  ["a failure", formatFailure(describeFailure(error), createPalette(false))],
])("a secret shows nothing by %s", (_way, shown) => {
  expect(shown).not.toContain("never-seen");
});

test("a secret prints as [redacted], and is revealed on purpose alone", () => {
  expect([String(secret), JSON.stringify({ secret }), inspect({ secret }), secret.reveal()]).toEqual([
    "[redacted]",
    '{"secret":"[redacted]"}',
    "{ secret: [redacted] }",
    "never-seen",
  ]);
});
