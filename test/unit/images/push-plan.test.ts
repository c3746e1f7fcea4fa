import { expect, test } from "vitest";
import { countLayers } from "../../../src/lib/images/push-layers.ts";
import { planPush, type LocalImage } from "../../../src/lib/images/push-plan.ts";

const mine = { id: "sha256:aa", digests: ["sha256:aa"] };
const other = { id: "sha256:bb", digests: ["sha256:bb"] };
const facts = (local: Record<string, LocalImage>, remote: Record<string, string> = {}) => ({
  name: "web",
  tags: { ref: "r/web:main", commit: "r/web:1f000000" },
  local: new Map(Object.entries(local)),
  remote: new Map(Object.entries(remote)),
});

test("what the registry does not have goes, under both names", () => {
  const plan = planPush([facts({ "r/web:main": mine, "r/web:1f000000": mine }, { "r/web:main": "sha256:old" })]);
  expect(plan).toEqual({ images: [{ name: "web", pushed: "r/web:1f000000", laterTags: ["r/web:main"] }], present: [] });
});

test("what the registry has stays, whether it is here or not", () => {
  const there = { "r/web:main": "sha256:aa", "r/web:1f000000": "sha256:aa" };
  expect(planPush([facts({ "r/web:main": mine, "r/web:1f000000": mine }, there)])).toEqual({ images: [], present: ["web"] });
  expect(planPush([facts({}, there)])).toEqual({ images: [], present: ["web"] });
});

test("the ref's name is put at what the registry has, whatever it means here; at what is not here, nothing is put", () => {
  const there = { "r/web:main": "sha256:old", "r/web:1f000000": "sha256:aa" };
  const named = { images: [{ name: "web", laterTags: ["r/web:main"] }], present: [] };
  for (const local of [{}, { "r/web:main": mine }, { "r/web:main": other }]) {
    expect(planPush([facts({ ...local, "r/web:1f000000": mine }, there)])).toEqual(named);
  }
  expect(planPush([facts({}, there)])).toEqual({ images: [], present: ["web"] });
});

test("an image of this commit that is nowhere is refused, before anything is pushed", () => {
  const gone = { ...facts({ "r/web:main": other }), name: "api" };
  expect(() => planPush([facts({ "r/web:1f000000": mine }), gone])).toThrow(
    expect.objectContaining({ code: "NOTHING_TO_PUSH", exit: "refused", hint: "Run: coldtivate build api" }),
  );
});

test("one that the registry has no longer whole has to be built, whatever the registry says", () => {
  expect(() => planPush([facts({})], ["web"])).toThrow(
    expect.objectContaining({ code: "NOTHING_TO_PUSH", hint: "Run: coldtivate build --force" }),
  );
});

test("progress counts layers, and bytes by tenths", () => {
  const count = countLayers();
  const texts = [
    { status: "The push refers to repository [r/web]" },
    { id: "aaaaaaaaaaaa", status: "Preparing" },
    { id: "bbbbbbbbbbbb", status: "Layer already exists" },
    { id: "aaaaaaaaaaaa", status: "Pushing", progressDetail: { current: 1_000_000, total: 20_000_000 } },
    { id: "aaaaaaaaaaaa", status: "Pushing", progressDetail: { current: 5_000_000, total: 20_000_000 } },
    { id: "aaaaaaaaaaaa", status: "Pushing", progressDetail: { current: 5_100_000, total: 20_000_000 } },
    { id: "aaaaaaaaaaaa", status: "Pushed" },
    { id: "main", status: "digest: sha256:aa" },
  ].map(count);
  expect(texts).toEqual([
    undefined,
    "0 of 1 layers",
    "1 of 2 layers",
    undefined,
    "1 of 2 layers, 5.0 of 20.0 MB",
    undefined,
    "2 of 2 layers, 20.0 of 20.0 MB",
    undefined,
  ]);
});
