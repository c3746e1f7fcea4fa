import { expect, test } from "vitest";
import type { HistoryEntry } from "../../../src/lib/host/history.ts";
import { formatHistory } from "../../../src/lib/environment/format-history.ts";

const deploy: HistoryEntry = {
  release: "r1",
  outcome: "finished",
  began: "2026-11-23T04:19:21Z",
  ended: "2026-11-23T04:19:39Z",
  by: "ann from laptop",
  commit: "ac3e50a9a26d196aed48ac8c3c91fcc04d7e56cc",
  ref: "v1.2.0",
  changed: ["web", "gateway"],
};

test("a table of the deploys, the one that serves with a star", () => {
  const failed: HistoryEntry = { ...deploy, release: "r2", outcome: "undone", changed: ["a", "b", "c", "d"] };
  expect(formatHistory("staging", [{ host: "one", current: "r1", deploys: [failed, deploy] }]).split("\n")).toEqual([
    "staging on one",
    "   RELEASE  COMMIT    OF      WHEN (UTC)           TOOK  BY               CHANGED       OUTCOME",
    "   r2       ac3e50a9  v1.2.0  2026-11-23 04:19:21  18 s  ann from laptop  4 services    undone",
    "*  r1       ac3e50a9  v1.2.0  2026-11-23 04:19:21  18 s  ann from laptop  web, gateway  served",
  ]);
});

test("hosts with the same history once, others apart", () => {
  const same = { current: "r1", deploys: [deploy] };
  const text = formatHistory("staging", [
    { host: "one", ...same },
    { host: "two", ...same },
    { host: "three", current: "", deploys: [] },
  ]);
  expect(text.match(/^staging on .*$/gm)).toEqual(["staging on one, two", "staging on three"]);
  expect(text).toContain("nothing was deployed yet");
});
