import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readDockerfile } from "../../../src/lib/content/dockerfile.ts";
import { readIgnoreFile } from "../../../src/lib/content/ignore-file.ts";

/** What a pattern stands for, as BuildKit makes a regular expression of it. */
function expressionOf(pattern: string): RegExp {
  const source = pattern.replaceAll(/\*\*\/|\*\*$|\*|\?|[^*?]/g, (part) => {
    if (part === "**/") return "(?:.*/)?";
    if (part === "**") return ".*";
    return part === "*" ? "[^/]*" : part === "?" ? "[^/]" : part.replace(".", String.raw`\.`);
  });
  return new RegExp(`^${source}$`, "su");
}

test("patterns with many stars fit what the regular expressions fit that they stand for", () => {
  const part = fc.array(fc.constantFrom("a", "b", "ä", "*", "?", "."), { minLength: 1, maxLength: 6 }).map((all) => all.join(""));
  const pattern = fc
    .array(fc.oneof(part, fc.constant("**")), { minLength: 1, maxLength: 5 })
    .map((parts) => parts.map((each) => (each === "**" ? each : each.replaceAll(/\*+/g, "*"))).join("/"))
    .filter((text) => !/^[!#]/.test(text) && !text.split("/").some((each) => each === "." || each === ".."));
  const path = fc.array(fc.constantFrom("a", "b", "ä", ".", "/"), { minLength: 1, maxLength: 12 }).map((all) => all.join(""));
  fc.assert(
    fc.property(pattern, path, (text, name) => {
      const parts = name.split("/");
      const isIgnored = parts.some((_, index) => expressionOf(text).test(parts.slice(0, index + 1).join("/")));
      expect(readIgnoreFile(text)(name)).toBe(isIgnored);
    }),
    { seed: 13, numRuns: 3000 },
  );
});

test("sets and what is escaped count in them, too", () => {
  const ignores = readIgnoreFile(String.raw`*/[a-c]*/\**/**/x?`);
  expect(["p/b1/*y/q/r/x1", "p/c/*/x😀"].map(ignores)).toEqual([true, true]);
  expect(["p/d1/*y/x1", "p/b1/y/x1", "p/b1/*y/x"].map(ignores)).toEqual([false, false, false]);
});

test("no pattern takes long, and more than anybody writes leave nothing out", () => {
  const path = `${"a".repeat(200)}/${"a".repeat(200)}`;
  for (const pattern of [
    `${"a*".repeat(100)}b`,
    `${"**/a".repeat(100)}b`,
    `${"*".repeat(1000)}b`,
    `${"**/".repeat(300)}b`,
    `${"?*".repeat(200)}b`,
  ])
    expect(readIgnoreFile(pattern)(path)).toBe(false);
  expect(readIgnoreFile("a*\n".repeat(100_000))("a1")).toBe(false);
});

test("no Dockerfile takes long", () => {
  const size = 1_000_000;
  for (const text of [
    `COPY ${"--a ".repeat(size / 4)}`,
    `RUN ${"a\\\n".repeat(size / 3)}`,
    `RUN ${"\\\n".repeat(size / 2)}`,
    `RUN <<A\n`.repeat(size / 8),
    Array.from({ length: size / 12 }, (_, index) => `RUN <<A${index}\n`).join(""),
    `RUN ${"<<A ".repeat(size / 4)}\n${"A\n".repeat(10)}`,
    `# a =x${" ".repeat(size)}y`,
    `# a${" ".repeat(size)}b`,
    `FROM ${" ".repeat(size)}x`,
  ])
    expect(readDockerfile(text).length).toBeLessThan(size);
});
