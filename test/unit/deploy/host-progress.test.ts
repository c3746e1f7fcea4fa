import { expect, test } from "vitest";
import { HostProgress } from "../../../src/lib/deploy/apply/host-progress.ts";
import type { ProgressEvent } from "../../../src/lib/report/progress.ts";

const second = 1_000_000;
const plan = { host: "a", expect: "r1", services: [], steps: [{ verb: "pull", args: [], title: "pull 1 image" }] };

function tell(...lines: [time: number, step: number, state: string][]): ProgressEvent[] {
  const events: ProgressEvent[] = [];
  const story = new HostProgress(plan, { emit: (event) => void events.push(event), close: () => Promise.resolve() });
  for (const [time, step, state] of lines) story.tell({ time: time * second, step, state, detail: "" });
  return events;
}

test("what the host tells afterwards is as old as its own clock says", () => {
  expect(tell([100, 0, "now"], [40, 0, "begin"], [40, 1, "begin"], [70, 1, "done"], [101, 1, "begin"])).toEqual([
    { type: "started", row: "a/1", ago: 60_000 },
    { type: "done", row: "a/1", ago: 30_000 },
    { type: "started", row: "a/1" },
  ]);
});

test("what it tells as it happens has no age, whatever its clock shows", () => {
  expect(tell([40, 1, "begin"], [70, 1, "done"])).toEqual([
    { type: "started", row: "a/1" },
    { type: "done", row: "a/1" },
  ]);
});

test("of a task that writes without end, the last lines are kept, and each line costs the same", () => {
  let lines = 0;
  const story = new HostProgress(plan, { emit: () => void lines++, close: () => Promise.resolve() });
  for (let line = 1; line <= 200_000; line++) story.tell({ time: 0, step: 1, state: "log", detail: `line ${line}` });
  expect(lines).toBe(200_000);
  expect(story.output(1)).toEqual(Array.from({ length: 20 }, (_, index) => `line ${199_981 + index}`));
});

test.each<[string, [step: number, state: string, detail: string][], string | undefined, boolean]>([
  [
    "a name",
    [
      [0, "aborted", "ann from laptop"],
      [1, "failed", "aborted by ann from laptop"],
    ],
    "ann from laptop",
    true,
  ],
  [
    "no name",
    [
      [0, "aborted", ""],
      [1, "failed", "aborted"],
    ],
    "",
    true,
  ],
  ["words alone, by an older coldtivate", [[1, "failed", "aborted by ann from laptop"]], "ann from laptop", true],
  [
    "the last word alone, by an older coldtivate",
    [
      [1, "undone", ""],
      [0, "undone", "aborted"],
    ],
    "",
    false,
  ],
  [
    "another failure",
    [
      [1, "failed", "aborted transfer of web"],
      [0, "undone", "aborted transfer of web"],
    ],
    undefined,
    false,
  ],
])("a host tells of an abort with %s", (_how, lines, by, isAbort) => {
  const progress = new HostProgress(plan, { emit: () => {}, close: () => Promise.resolve() });
  for (const [step, state, detail] of lines) progress.tell({ time: 0, step, state, detail });
  expect(progress.abortedBy).toBe(by);
  expect(progress.failed?.isAbort ?? false).toBe(isAbort);
});
