import { expect, test } from "vitest";
import { nameStep, withFinding } from "../e2e/support/faults/table.ts";

const text = `# Faults

A | is no table.

## A release

Words.

| step      | SIGKILL of the CLI |    SIGINT |   measured |
| --------- | -----------------: | --------: | ---------: |
| 1 expect  |          new, 27 s | new, 16 s | 2026-11-23 |
| 2 gone    |           new, 1 s |  new, 1 s | 2026-11-23 |
| 3 commit  |           new, 2 s |  new, 0 s | 2026-11-23 |

## The fronts' update

| step        | SIGKILL of the CLI |
| ----------- | -----------------: |
| 1 join gate |           new, 1 s |
`;

const outcome = { serves: "old", rest: "recover", failed: 3, answered: 1, seconds: 1.6, of: 3 } as const;

const rowsOf = (written: string) =>
  written
    .split("\n")
    .filter((line) => line.startsWith("|") && !line.startsWith("| -"))
    .map((line) => line.replaceAll(/ +/g, " "));

test("what is found anew joins what is known; steps that are gone go, and words stay", () => {
  const found = { series: "release", steps: ["expect", "look", "commit"], kind: "interrupt", step: "look", finding: outcome } as const;
  const written = withFinding(text, { ...found, date: "2026-11-30", isWhole: false });
  expect(written).toContain("A | is no table.\n\n## A release\n\nWords.\n\n| step");
  expect(rowsOf(written)).toEqual([
    "| step | SIGKILL of the CLI | SIGINT | SSH connection cut | link frozen | SIGKILL of the executor | SIGKILL of its process group | SIGKILL of dockerd, back after 3 s | power cycle | measured |",
    "| 1 expect | new, 27 s | new, 16 s | – | – | – | – | – | – | 2026-11-23 |",
    "| 2 look | – | old, recover, 2 s, 3 failed | – | – | – | – | – | – | 2026-11-30 |",
    "| 3 commit | new, 2 s | new, 0 s | – | – | – | – | – | – | 2026-11-23 |",
    "| step | SIGKILL of the CLI |",
    "| 1 join gate | new, 1 s |",
  ]);
});

test("a cell alone adds its date, a whole row has its own", () => {
  const found = { series: "release", steps: ["expect"], kind: "cut", step: "expect", finding: { wrong: "not whole" } } as const;
  expect(withFinding(text, { ...found, date: "2026-11-30", isWhole: false })).toMatch(/\*\*not whole\*\* .* 2026-11-23, 2026-11-30 \|/);
  expect(withFinding(text, { ...found, date: "2026-11-30", isWhole: true })).toMatch(/\*\*not whole\*\* .* – \| +2026-11-30 \|/);
});

test("a row that has nothing yet has no date", () => {
  const found = { series: "release", steps: ["look"], kind: "cut", step: "look", finding: outcome } as const;
  const other = withFinding(text, { ...found, steps: ["look", "expect"], step: "expect", date: "2026-11-30", isWhole: false });
  expect(withFinding(other, { ...found, date: "2026-11-30", isWhole: false })).toMatch(/1 look .* \| +2026-11-30 \|/);
});

test("a step goes by what is the same in each release", () => {
  const digest = "abcdef0123456789".repeat(4);
  const lines = ["unwritten\t" + digest, "probe\tshop", "reach\t60\tgate\tshop>gate>gate>8000", "remove\tsign-first", "pull\tweb@sha256:1"];
  expect(lines.map(nameStep)).toEqual(["unwritten", "probe shop", "reach gate", "remove sign", "pull"]);
});
