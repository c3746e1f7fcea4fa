import { describe, expect, test } from "vitest";
import { admit } from "../../../src/lib/release/admission.ts";

const staging = { name: "staging", branches: ["main"], tags: [] };
const production = { name: "production", branches: [], tags: ["v*"] };
const facts = { commit: "0".repeat(40), tags: [] as string[], reachable: false };
const refused = expect.objectContaining({ code: "REF_NOT_ALLOWED", exit: "refused" });

describe("a branch environment", () => {
  test("takes its branch, and any commit that the branch holds", () => {
    expect(admit(staging, { ...facts, ref: { kind: "branch", name: "main" }, reachable: true })).toBe("main");
    expect(admit(staging, { ...facts, reachable: true })).toBeUndefined();
  });
  test("refuses tags, other branches and commits off its branch", () => {
    expect(() => admit(staging, { ...facts, ref: { kind: "tag", name: "v1.0.0" }, reachable: true })).toThrow(refused);
    expect(() => admit(staging, { ...facts, ref: { kind: "branch", name: "feature" } })).toThrow(refused);
    expect(() => admit(staging, facts)).toThrow(refused);
  });
});

describe("a tag environment", () => {
  test("takes its tags, named or found at the commit", () => {
    expect(admit(production, { ...facts, ref: { kind: "tag", name: "v1.2.0" } })).toBe("v1.2.0");
    expect(admit(production, { ...facts, tags: ["v1.2.0"] })).toBe("v1.2.0");
  });
  test("refuses branches and other tags", () => {
    expect(() => admit(production, { ...facts, ref: { kind: "branch", name: "main" }, reachable: true })).toThrow(refused);
    expect(() => admit(production, { ...facts, ref: { kind: "tag", name: "nightly" } })).toThrow(refused);
  });
});
