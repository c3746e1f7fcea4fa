import { expect, test } from "vitest";
import { parseHistory } from "../../../src/lib/host/history.ts";

const commit = "ac3e50a9a26d196aed48ac8c3c91fcc04d7e56cc";

test("a line a deploy; a dash is nothing; shorter and foreign lines do no harm", () => {
  const text = [
    `2026-11-23T04:19:21Z\t2026-11-23T04:19:39Z\tr1\tfinished\tann from laptop\t${commit}\tv1.2.0\tweb gateway`,
    `2026-11-23T05:00:00Z\t2026-11-23T05:00:01Z\tr2\tundone\tbo by hand\t${commit}\t-\t-`,
    "2026-11-23T06:00:00Z\t2026-11-23T06:00:01Z\tr3\tbroken\tann from laptop",
    "cut in the mid",
    "",
  ].join("\n");
  expect(parseHistory(text)).toEqual([
    {
      release: "r1",
      outcome: "finished",
      began: "2026-11-23T04:19:21Z",
      ended: "2026-11-23T04:19:39Z",
      by: "ann from laptop",
      commit,
      ref: "v1.2.0",
      changed: ["web", "gateway"],
    },
    {
      release: "r2",
      outcome: "undone",
      began: "2026-11-23T05:00:00Z",
      ended: "2026-11-23T05:00:01Z",
      by: "bo by hand",
      commit,
      changed: [],
    },
    { release: "r3", outcome: "broken", began: "2026-11-23T06:00:00Z", ended: "2026-11-23T06:00:01Z", by: "ann from laptop", changed: [] },
  ]);
});
