import { expect, test } from "vitest";
import type { Content } from "../../../src/lib/content/content-digest.ts";
import { giveUp, planContent } from "../../../src/lib/content/content-plan.ts";
import type { ContentRecord } from "../../../src/lib/content/content-record.ts";

const tag = "content-1f";
const known: Content = { name: "web", tag, inputs: [{ name: "the context web", value: "1" }] };
const without: Content = { ...known, absent: "web/part" };
const image = { digest: "sha256:1f", mediaType: "", bytes: Buffer.from("") };
const record: ContentRecord = { tag, image, built: 1000, revision: "1f", inputs: {} };
const facts = { states: [{ name: "web", dirty: [] }], records: new Map<string, ContentRecord>(), now: 2000, force: false };
const content = { tag, inputs: known.inputs };

test.each<[string, Partial<Parameters<typeof planContent>[0]>, object]>([
  ["has not", { contents: [known] }, { kind: "new" }],
  ["has, but for too long", { contents: [known], records: new Map([["web", record]]), ttl: 500 }, { kind: "expired", record }],
  ["is not asked for", { contents: [known], records: new Map([["web", record]]), force: true }, { kind: "forced" }],
])("what the registry %s is built and noted", (_what, more, cause) => {
  expect(planContent({ ...facts, contents: [], ...more })).toEqual({ unchanged: [], changed: [{ name: "web", cause, content }] });
});

test.each<[string, Partial<Parameters<typeof planContent>[0]>, object]>([
  ["has files that are not committed", { contents: [known], states: [{ name: "web", dirty: ["a"] }] }, { kind: "dirty", file: "a" }],
  ["cannot be told", { contents: [{ name: "web", reason: "why" }] }, { kind: "untold", reason: "why" }],
  ["lacks a submodule", { contents: [without] }, { kind: "new" }],
])("what %s is built and not noted", (_what, more, cause) => {
  expect(planContent({ ...facts, contents: [], ...more })).toEqual({ unchanged: [], changed: [{ name: "web", cause }] });
});

test("what the registry has is not built, whether all of it is checked out or not; what it has lost is", () => {
  const records = new Map([["web", record]]);
  const plan = planContent({ ...facts, contents: [without], records });
  expect(plan).toEqual({ unchanged: [{ name: "web", record }], changed: [] });
  expect(giveUp(plan, ["web"], [without])).toEqual({ unchanged: [], changed: [{ name: "web", cause: { kind: "incomplete" } }] });
  expect(giveUp(plan, ["web"], [known]).changed).toEqual([{ name: "web", cause: { kind: "incomplete" }, content }]);
});
