import { expect, test } from "vitest";
import { nearest } from "../../../src/lib/common/nearest.ts";

const known = ["context", "dockerfile", "target", "web", "worker"];

test.each([
  ["contxt", "context"],
  ["dokcerfile", "dockerfile"],
  ["Target", "target"],
  ["wbe", "web"],
  ["wob", "web"],
  ["wrk", undefined],
  ["password", undefined],
])("%s is nearest to %s", (written, name) => {
  expect(nearest(written, known)).toBe(name);
});
