import { expect, test } from "vitest";
import { matchesAny } from "../../../src/lib/git/pattern.ts";
import { slugify } from "../../../src/lib/git/slug.ts";

test.each([
  ["main", "main"],
  ["v1.2.0", "v1-2-0"],
  ["Feature/ABC_12", "feature-abc-12"],
  ["-a-", "a"],
  ["/lead//trail/", "lead--trail"],
  ["größe", "gr--e"],
  [`${"a".repeat(62)}/b`, "a".repeat(62)],
  ["x".repeat(70), "x".repeat(63)],
  ["---", ""],
])("%s becomes %j, as in GitLab", (ref, slug) => {
  expect(slugify(ref)).toBe(slug);
});

test("a star in a pattern stands for anything, every other character for itself", () => {
  expect(matchesAny("v1.2.0", ["v*"])).toBe(true);
  expect(matchesAny("release/1/x", ["release/*"])).toBe(true);
  expect(matchesAny("xv1", ["v*"])).toBe(false);
  expect(matchesAny("v1x2", ["v1.2"])).toBe(false);
  expect(matchesAny("main", [])).toBe(false);
});

test("many stars are no riddle", () => {
  const pattern = `${"a*".repeat(60)}b`;
  expect(matchesAny("a".repeat(250), [pattern])).toBe(false);
  expect(matchesAny(`${"a".repeat(250)}b`, [pattern])).toBe(true);
});

test.each([
  ["a", "a*a", false],
  ["aa", "a*a", true],
  ["abcab", "ab*ab", true],
  ["aba", "ab*ba", false],
  ["", "*", true],
  ["a\nb", "a*b", true],
  ["x/y/z", "*/z", true],
  ["abc", "**c", true],
  ["abc", "a**b", false],
])("%j and the pattern %j: %s", (name, pattern, expected) => {
  expect(matchesAny(name, [pattern])).toBe(expected);
});
