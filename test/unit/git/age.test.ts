import { expect, test } from "vitest";
import { isOlder, type AgeFacts } from "../../../src/lib/git/age.ts";

const facts = (isAncestor: boolean | undefined, time?: string): AgeFacts => ({
  isAncestor: () => Promise.resolve(isAncestor),
  timeOf: () => Promise.resolve(time === undefined ? undefined : new Date(time)),
});
const serving = { commit: "s", committedAt: "2026-11-23T10:00:00.000Z" };

test.each([
  ["the one that serves is not", "s", facts(true, "2026-11-23T09:00:00Z"), false],
  ["an ancestor is", "w", facts(true, "2026-11-23T11:00:00Z"), true],
  ["one that has gone another way is not", "w", facts(false, "2026-11-23T09:00:00Z"), false],
  ["one of before is, where the clone cannot tell more", "w", facts(undefined, "2026-11-23T09:59:59Z"), true],
  ["one of the same second is not", "w", facts(undefined, "2026-11-23T10:00:00Z"), false],
  ["one of after is not", "w", facts(undefined, "2026-11-23T10:00:01Z"), false],
  ["one whose time is unknown is not", "w", facts(undefined), false],
] as const)("%s", async (_what, commit, known, expected) => {
  expect(await isOlder(commit, serving, known)).toBe(expected);
});

test("a release of which no time was written down is not newer than anything", async () => {
  expect(await isOlder("w", { commit: "s" }, facts(undefined, "2026-11-23T09:00:00Z"))).toBe(false);
});
