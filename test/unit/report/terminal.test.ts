import { expect, test } from "vitest";
import { ProgressState } from "../../../src/lib/report/progress-state.ts";
import { fitRows } from "../../../src/lib/report/fit-rows.ts";
import { createPalette } from "../../../src/lib/report/palette.ts";
import type { ProgressEvent } from "../../../src/lib/report/progress.ts";
import { formatRow, formatSection } from "../../../src/lib/report/reporters/row-text.ts";
import { widthOf } from "../../../src/lib/report/width.ts";

const rows = Array.from({ length: 10 }, (_, index) => ({ id: `row-${index}`, title: `service-${index}` }));

function stateAfter(events: ProgressEvent[]): ProgressState {
  let now = 0;
  const board = new ProgressState(() => now);
  board.apply({ type: "planned", sections: [{ id: "s", title: "staging", rows }] });
  for (const event of events) {
    now += 1000;
    board.apply(event);
  }
  return board;
}

test("a list that is too long shows what failed and what runs, and counts the rest", () => {
  const board = stateAfter([
    { type: "started", row: "row-8" },
    { type: "done", row: "row-0" },
    { type: "done", row: "row-1" },
    { type: "failed", row: "row-9" },
  ]);
  const { shown, hidden } = fitRows(board.sections, 4);
  expect([...shown].map(({ id }) => id)).toEqual(["row-9", "row-8", "row-1"]);
  expect(hidden).toBe("… 1 done, 6 waiting");
  expect(fitRows(board.sections, 10)).toMatchObject({ hidden: "" });
});

test.each([76, 36, 20])("a row of %d columns keeps its time", (width) => {
  const board = stateAfter([
    { type: "started", row: "row-3", text: "waiting until every container of it is healthy and stays so" },
    { type: "note", text: "" },
  ]);
  const row = board.sections[0]!.rows[3]!;
  const text = formatRow(row, board, { palette: createPalette(false), width });
  expect(widthOf(text)).toBeLessThanOrEqual(width);
  expect(text).toMatch(/ {2}1\.0 s$/);
});

test("a section counts its rows, and shows a time only once it has begun", () => {
  const options = { palette: createPalette(false), width: 76 };
  const waiting = stateAfter([]);
  expect(formatSection(waiting.sections[0]!, waiting, options)).toBe("staging  0/10");
  const begun = stateAfter([
    { type: "started", row: "row-0" },
    { type: "done", row: "row-0" },
    { type: "skipped", row: "row-1" },
  ]);
  expect(formatSection(begun.sections[0]!, begun, options)).toBe("staging  2/10  2.0 s");
});
