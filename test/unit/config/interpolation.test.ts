import { expect, test } from "vitest";
import { interpolate } from "../../../src/lib/common/interpolation.ts";

const env = { A: "one", EMPTY: "", DOLLAR: "a${A}$$b" };

test.each([
  ["${A}", "one"],
  ["x-${A}-y-${A}", "x-one-y-one"],
  ["${EMPTY}", ""],
  ["${NONE:-default}", "default"],
  ["${NONE-default}", "default"],
  ["${EMPTY:-default}", "default"],
  ["${EMPTY-default}", ""],
  ["${NONE:-}", ""],
  ["${NONE:-${A}}", "one"],
  ["${NONE:-${OTHER:-deep}}!", "deep!"],
  ["${NONE:-a:-b}", "a:-b"],
  ["$$", "$"],
  ["$${A}", "${A}"],
  ["$$$${A}", "$${A}"],
  ["costs 5$", "costs 5$"],
  ["$1", "$1"],
])("%s becomes %s", (source, text) => {
  expect(interpolate(source, env)).toMatchObject({ text, missing: [], mistakes: [] });
});

test("a value is taken as it is, whatever it looks like", () => {
  expect(interpolate("${DOLLAR}", env).text).toBe("a${A}$$b");
});

test("every missing variable is named, a default's too", () => {
  expect(interpolate("${NONE} ${A} ${OTHER:-${DEEP}}", env).missing).toEqual(["NONE", "DEEP"]);
});

test.each([["$A"], ["${A"], ["${}"], ["${A:?needed}"], ["${1}"], ["${NONE:-${A}"]])("%s is a mistake", (source) => {
  expect(interpolate(source, env).mistakes).toHaveLength(1);
});
