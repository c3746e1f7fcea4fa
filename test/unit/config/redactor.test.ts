import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Redactor } from "../../../src/lib/secrets/redactor.ts";

function redact(text: string, ...secrets: string[]): string {
  const redactor = new Redactor();
  for (const secret of secrets) redactor.add(secret);
  return redactor.redact(text);
}

const secret = `p$ss "w0rd"+x & 'y' <z>\\%ä/1`;
const hex = Buffer.from(secret).toString("hex");
const pairs = hex.match(/../g)!;
const base64 = Buffer.from(secret).toString("base64");
const json = JSON.stringify(secret).slice(1, -1);

test.each([
  ["as it is", secret],
  ["in base64", base64],
  ["in base64 for addresses", Buffer.from(secret).toString("base64url")],
  ["in base64 that is wrapped", base64.replaceAll(/.{12}/g, "$&\n")],
  ["in base64 that is wrapped and indented", base64.replaceAll(/.{12}/g, "$&\r\n    ")],
  ["in base64 that is wrapped, as JSON", JSON.stringify(base64.replaceAll(/.{12}/g, "$&\n")).slice(1, -1)],
  ["in hexadecimal digits", hex],
  ["in upper-case digits", hex.toUpperCase()],
  ["in digits with colons", pairs.join(":")],
  ["in digits by two bytes", hex.replaceAll(/.{4}/g, "$& ").trim()],
  ["in digits on several lines", hex.replaceAll(/.{16}/g, "$&\n").trim()],
  ["as escaped bytes", pairs.map((pair) => `\\x${pair}`).join("")],
  ["as an array of bytes", pairs.map((pair) => `0x${pair}`).join(", ")],
  ["with every byte as in addresses", pairs.map((pair) => `%${pair}`).join("")],
  ["as JSON", json],
  ["as JSON within JSON", JSON.stringify(json).slice(1, -1)],
  ["as JSON within JSON within JSON", JSON.stringify(JSON.stringify(json).slice(1, -1)).slice(1, -1)],
  ["as JSON that escapes HTML", json.replaceAll(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`)],
  ["as JSON in ASCII", json.replaceAll("ä", "\\u00e4")],
  ["in an address", encodeURIComponent(secret)],
  ["in an address, in lower case", encodeURIComponent(secret).replaceAll(/%../g, (code) => code.toLowerCase())],
  ["in an address within an address", encodeURIComponent(encodeURIComponent(secret))],
  ["in a form", new URLSearchParams({ a: secret }).toString().slice(2)],
  ["in single quotes of YAML", secret.replaceAll("'", "''")],
  ["in a Compose file", secret.replaceAll("$", "$$$$")],
  ["in single quotes of a Compose file", secret.replaceAll("$", "$$$$").replaceAll("'", "''")],
  ["in double quotes of a Compose file", json.replaceAll("$", "$$$$")],
  ["in single quotes of a shell", secret.replaceAll("'", String.raw`'\''`)],
  ["as words of a shell", secret.replaceAll(/[^\wä/+%]/g, String.raw`\$&`)],
  ["in HTML", secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")],
  ["in CSV", secret.replaceAll('"', '""')],
])("a secret is found %s", (_how, written) => {
  expect(redact(`it is (${written}), twice: ${written}.`, secret)).toMatch(/^it is \((%|0x|\\x)?\*\*\*\), twice: (%|0x|\\x)?\*\*\*\.$/);
});

test("a secret of any letters is found however it is written", () => {
  const letters = "abcXYZ019!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ äß€🔑";
  const writings: ((text: string) => string)[] = [
    (text) => text,
    (text) => JSON.stringify(text).slice(1, -1),
    (text) => encodeURIComponent(text),
    (text) => text.replaceAll("$", "$$$$"),
    (text) => text.replaceAll("'", "''"),
    (text) => Buffer.from(text).toString("base64"),
    (text) => Buffer.from(text).toString("hex"),
  ];
  const value = fc
    .array(fc.constantFrom(...Array.from(letters)), { minLength: 12, maxLength: 30 })
    .map((all) => `k3Y${all.join("")}Z`)
    .filter((text) => text === text.trim());
  fc.assert(
    fc.property(value, fc.array(fc.constantFrom(...writings), { maxLength: 2 }), fc.string({ maxLength: 9 }), (text, ways, before) => {
      // What is in base64 is no text any more: nothing is done to it but put into something.
      const [first = writings[0]!, second = writings[0]!] = ways.toSorted((a, b) => writings.indexOf(b) - writings.indexOf(a));
      const once = writings.indexOf(first) >= 5 ? first(before + text) : second(first(text));
      const shown = redact(`${before} ${once} end`, text);
      expect(shown).toContain("***");
      expect(shown).not.toContain(once);
      expect(shown).not.toContain(text);
    }),
    { seed: 1, numRuns: 200 },
  );
});

test("a secret is found within whatever is encoded in base64", () => {
  const value = "pa55>>>word???of~~~mine";
  for (const before of ["", "a", "ab", "me:"]) {
    for (const after of ["", "\n", "xy"]) {
      for (const encoding of ["base64", "base64url"] as const) {
        const shown = redact(Buffer.from(before + value + after).toString(encoding), value);
        expect(shown).toMatch(/^.{0,4}\*\*\*.{0,8}$/);
      }
    }
  }
});

test("a line of base64 that has a part of a secret shows none of it", () => {
  const key = Array.from({ length: 20 }, (_, line) => `line ${line} of a key, which is long`).join("\n");
  for (const line of Buffer.from(`KEY=${key}`)
    .toString("base64")
    .match(/.{1,76}/g)!)
    expect(redact(line, key)).toMatch(/^(\w{0,7})?\*\*\*$/);
});

test("secrets that overlap or contain each other leave nothing behind", () => {
  expect(redact("xabc0efghy", "abc0ef", "0efghy")).toBe("x***");
  expect(redact("xabc0efgy", "abc0ef", "abc0efg", "c0efg1")).toBe("x***y");
  expect(redact("a1a1a1a1a1", "a1a1a1")).toBe("***");
});

test("lines of a secret of several lines are secrets too", () => {
  expect(redact("a: first-line\r\n  b: second-line", "first-line\nsecond-line\n")).toBe("a: ***\r\n  b: ***");
});

describe("ordinary words stay whole", () => {
  test.each([
    ["restarting the service", "start"],
    ["restarting the service", "restart"],
    ["the swordfishes, and sha256:1234567890abc", "swordfish", "12345678"],
    ["production serves, as postgres does", "production", "Postgres"],
    ["abc a 12:34", "abc", "", "a", "12"],
    ["deploying to staging", "deploy", "staging"],
  ])("%s", (text, ...secrets) => {
    expect(redact(text, ...secrets)).toBe(text);
  });

  test("a word that is a secret is found where it stands alone", () => {
    const written = `swordfish; PASSWORD=swordfish, ${JSON.stringify("a\nswordfish")} %3Dswordfish`;
    expect(redact(written, "swordfish")).toBe(String.raw`***; PASSWORD=***, "a\n***" %3D***`);
  });

  test("so many letters are no word", () => {
    expect(redact("xabcdefghijklmnopy", "abcdefghijklmnop")).toBe("x***y");
  });
});

test("whoever listens is told once of each secret that cannot be kept out of output, by its name", () => {
  const redactor = new Redactor();
  const told: string[][] = [];
  redactor.add("abc", "EARLY");
  redactor.onWeak = (...weak) => told.push(weak);
  redactor.add("abc", "EARLY");
  redactor.add("production", "STAGE_PASSWORD");
  redactor.add("abc");
  redactor.add("", "EMPTY");
  redactor.add("a-good-0ne", "GOOD");
  redactor.add("postgres://me:pw@db/x", "DATABASE_URL");
  expect(told).toEqual([
    ["EARLY", "too short"],
    ["STAGE_PASSWORD", "an ordinary word"],
    ["DATABASE_URL", "too short"],
  ]);
});

test("the password within an address is a secret of its own", () => {
  expect(redact("role shop, password p@55word, p%4055word", "postgres://shop:p%4055word@db:5432/shop")).toBe(
    "role shop, password ***, ***",
  );
});

test("what may be the beginning of a secret waits for the rest", () => {
  const redactor = new Redactor();
  redactor.add('hunter2 "x" $y');
  redactor.add("restart-x");
  const open = (text: string) => text.slice(text.length - redactor.openEnd(text));
  expect(open("it is hun")).toBe("hun");
  expect(open('it is hunter2 \\"x')).toBe('hunter2 \\"x');
  expect(open("it is hunter2%20%22")).toBe("hunter2%20%22");
  expect(open("Go on? [y/N] ")).toBe("");
  expect(open("it is so.\n")).toBe("");
  expect(open(Buffer.from("hunter2 ").toString("base64").slice(0, 5))).toBe("aHVud");
});

test("many secrets and much output cost no more than both", () => {
  const redactor = new Redactor();
  const secrets = Array.from({ length: 300 }, (_, index) => Buffer.from(`s3cret ${index * 7919} of many, "${index}"`).toString("base64"));
  for (const value of secrets) redactor.add(value);
  let shown = "";
  for (let line = 0; line < 20_000; line++) shown = redactor.redact(`2026-01-02T12:03:04 web-1 GET /static/app-${line}.js 200 in 12 ms`);
  expect(shown).toContain("app-19999.js");
  expect(redactor.redact(`token=${secrets[299]}`)).toBe("token=***");
});
