import { describe, expect, test } from "vitest";
import type { MountReport } from "../../../src/lib/deploy/prepare/examine-mounts.ts";
import { leavesOf, mountNotes, refuseMounts } from "../../../src/lib/deploy/prepare/refuse-mounts.ts";

const report = (more: Partial<MountReport>): MountReport => ({
  missing: [],
  data: [],
  content: [],
  declared: [],
  unwritten: [],
  notes: [],
  ...more,
});
const content = { digest: "c".repeat(64), told: "a: containers wrote to ./conf: mine.ini" };

describe("a release is refused", () => {
  test("for files that nobody has, on any host, whatever it may leave behind", () => {
    const reports = [report({ missing: ["a: x"], data: ["a: data"] }), report({ missing: ["b: x", "a: x"] })];
    expect(() => refuseMounts(reports, true)).toThrow(
      expect.objectContaining({ code: "MOUNT_MISSING", exit: "refused", details: ["a: x", "b: x"] }),
    );
  });

  test("for what it would leave behind, with the ways out", () => {
    expect(() => refuseMounts([report({ data: ["a: data"], content: [content] })], false)).toThrow(
      expect.objectContaining({
        code: "DATA_LEFT_BEHIND",
        exit: "refused",
        details: ["a: data", content.told],
        hint: expect.stringMatching(/list the path as `data`.*`:ro`.*--leave-data/s) as string,
      }),
    );
  });
});

test("what is left behind on purpose is told, and kept in mind; what was declared content always is", () => {
  const found = report({ data: ["a: data"], content: [content], declared: ["d"], unwritten: ["u"] });
  expect(() => refuseMounts([found], true)).not.toThrow();
  expect(leavesOf(found, true)).toEqual({ unwritten: ["u"], abandoned: ["d", content.digest] });
  expect(leavesOf(found, false)).toEqual({ unwritten: ["u"], abandoned: ["d"] });
  expect(mountNotes(found, true)).toEqual([
    "left behind, and kept on the host: a: data",
    `left behind, and kept on the host: ${content.told}`,
  ]);
});
