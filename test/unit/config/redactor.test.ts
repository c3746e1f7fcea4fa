import { inspect } from "node:util";
import { expect, test } from "vitest";
import { Redactor } from "../../../src/lib/config/redactor.ts";
import { Secret } from "../../../src/lib/config/secret.ts";

function redact(text: string, ...secrets: string[]): string {
  const redactor = new Redactor();
  for (const secret of secrets) redactor.add(secret);
  return redactor.redact(text);
}

test("a secret is replaced wherever it stands, and however it is encoded", () => {
  const secret = 'p$ss "word"+x';
  const encoded = [secret, Buffer.from(secret).toString("base64"), encodeURIComponent(secret), JSON.stringify(secret)].join(" | ");
  expect(redact(`${encoded} | ${secret}${secret}`, secret)).toBe('*** | *** | *** | "***" | ******');
});

test("secrets that overlap or contain each other leave nothing behind", () => {
  expect(redact("xabcdefghy", "abcdef", "defghy")).toBe("x***");
  expect(redact("xabcdefy", "abcd", "abcdef", "cdef")).toBe("x***y");
  expect(redact("aaaaaaa", "aaaa")).toBe("***");
});

test("words too short to be a secret stay", () => {
  expect(redact("abc a", "abc", "", "a")).toBe("abc a");
});

test("lines of a secret of several lines are secrets too", () => {
  expect(redact("first-line\r\n  second-line", "first-line\nsecond-line\n")).toBe("***\r\n  ***");
});

test("a secret prints as asterisks", () => {
  const secret = new Secret("never-seen");
  expect([String(secret), JSON.stringify({ secret }), inspect({ secret }), secret.reveal()]).toEqual([
    "***",
    '{"secret":"***"}',
    "{ secret: *** }",
    "never-seen",
  ]);
});

test("a secret is found within whatever is encoded in base64", () => {
  const secret = "pa55>>>word???of~~~mine";
  for (const before of ["", "a", "ab", "me:"]) {
    for (const after of ["", "\n", "xy"]) {
      for (const encoding of ["base64", "base64url"] as const) {
        const shown = redact(Buffer.from(before + secret + after).toString(encoding), secret);
        expect(shown).toMatch(/^.{0,4}\*\*\*.{0,8}$/);
      }
    }
  }
});
