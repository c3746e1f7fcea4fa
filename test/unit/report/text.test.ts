import { expect, test } from "vitest";
import { formatDuration, formatTime } from "../../../src/lib/report/duration.ts";
import { formatTable } from "../../../src/lib/report/table.ts";
import { cutToWidth, padToWidth, widthOf } from "../../../src/lib/report/width.ts";

test.each([
  [0, "0 ms"],
  [99, "99 ms"],
  [100, "0.1 s"],
  [1249, "1.2 s"],
  [59_940, "59.9 s"],
  [59_960, "1 m 00 s"],
  [125_000, "2 m 05 s"],
  [3_599_600, "1 h 00 m"],
  [3_720_000, "1 h 02 m"],
])("%d ms is %s", (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});

test("a time of day has two digits everywhere", () => {
  expect(formatTime(new Date(2026, 0, 2, 3, 4, 5))).toBe("03:04:05");
});

test("wide characters take two columns, marks and colours none", () => {
  expect(widthOf("日本")).toBe(4);
  expect(widthOf("é")).toBe(1);
  expect(widthOf("e\u0301")).toBe(1);
  expect(widthOf("🚀")).toBe(2);
  expect(widthOf("✔ done")).toBe(6);
  expect(widthOf("\u001B[31mred\u001B[39m")).toBe(3);
});

test("text is filled and cut to columns", () => {
  expect(padToWidth("日", 4)).toBe("日  ");
  expect(padToWidth("7", 3, "left")).toBe("  7");
  expect(cutToWidth("healthy", 7)).toBe("healthy");
  expect(cutToWidth("healthy", 5)).toBe("heal…");
  expect(cutToWidth("日本語", 4)).toBe("日…");
  expect(cutToWidth("healthy", 0)).toBe("");
});

test("a table has aligned columns, with numbers to the right and no trailing spaces", () => {
  expect(
    formatTable(
      ["service", "state", "took"],
      [
        ["web", "日本", "12 ms"],
        ["celery", "healthy", "1.2 s"],
        ["db", "", "3 s"],
      ],
    ),
  ).toBe(["SERVICE  STATE     TOOK", "web      日本     12 ms", "celery   healthy  1.2 s", "db                  3 s"].join("\n"));
  expect(formatTable(["service"], [])).toBe("SERVICE");
});
