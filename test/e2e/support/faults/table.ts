import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatTable } from "../../../bench/support/figures.ts";
import { top } from "../repository.ts";
import { must } from "../run.ts";
import { kinds, type KindName } from "./fault-kinds.ts";
import type { Outcome } from "./strike.ts";

/** What is disturbed: a release, an update of fronts, a kept release that is deployed by hand, a release to several hosts. */
export type Series = "release" | "fronts" | "hand" | "fleet";

/** What came of a fault, or what did not hold. */
export type Finding = Outcome | { wrong: string };

/** A cell of a table. */
export interface Found {
  series: Series;
  /** Those that the series has now, in their order: the rows of others go. */
  steps: readonly string[];
  kind: KindName;
  /** One of the steps. */
  step: string;
  finding: Finding;
  /** Of the commit that it was found at. */
  date: string;
  /** Whether the whole row is found anew, so that what it had before does not count. */
  isWhole: boolean;
}

const headings: Record<Series, string> = {
  release: "## A release",
  fronts: "## The fronts' update",
  hand: "## A kept release, deployed by hand",
  fleet: "## A release to three hosts",
};

const names = Object.keys(kinds) as KindName[];
const titles = ["step", ...names.map((name) => kinds[name].title), "measured"];

/** Keeps what came of a fault in docs/faults.md, which has all that is known. */
export async function record(found: Omit<Found, "date">): Promise<void> {
  const path = join(top, "docs/faults.md");
  const date = await must("git", ["log", "-1", "--format=%cs"], { cwd: top });
  await writeFile(path, withFinding(await readFile(path, "utf8"), { ...found, date }));
}

/** The text with another cell in one of its tables. */
export function withFinding(text: string, { series, steps, kind, step, finding, date, isWhole }: Found): string {
  const lines = text.split("\n");
  const first = lines.findIndex((line, index) => line.startsWith("|") && index > lines.indexOf(headings[series]));
  const length = lines.slice(first).findIndex((line) => !line.startsWith("|"));
  const known = readRows(lines.slice(first, first + length));
  const rows = steps.map((name, index) => {
    const row = known.get(name) ?? {};
    if (name === step) {
      row[kinds[kind].title] = formatCell(finding);
      const dates = isWhole ? [] : (row["measured"] ?? "").split(", ").filter((word) => /^\d/.test(word));
      row["measured"] = [...new Set([...dates, date])].toSorted().join(", ");
    }
    return titles.map((title, column) => (column === 0 ? `${index + 1} ${name}` : (row[title] ?? "–")));
  });
  return lines.toSpliced(first, length, ...formatTable(titles, rows).split("\n")).join("\n");
}

/** Cells by heading, by the name of their row's step. */
function readRows([heading = "", , ...rows]: readonly string[]): Map<string, Record<string, string>> {
  const cellsOf = (line: string) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
  const columns = cellsOf(heading);
  return new Map(
    rows.map((line) => {
      const [numbered = "", ...cells] = cellsOf(line);
      return [numbered.replace(/^\d+ /, ""), Object.fromEntries(cells.map((cell, index) => [columns[index + 1] ?? "", cell]))];
    }),
  );
}

/** A step of a plan without what differs from one release to the next. */
export function nameStep(line: string): string {
  const [verb = "", ...fields] = line.split("\t");
  const named = fields
    .filter((field) => /^[@a-z]/.test(field) && !/[:/>]|^[0-9a-f]{64}$/.test(field))
    .map((field) => field.replace(/-(first|second)$/, ""));
  return [verb, ...named].join(" ");
}

function formatCell(cell: Finding): string {
  if ("wrong" in cell) return `**${cell.wrong}**`;
  const { serves, rest, failed, seconds } = cell;
  return [
    serves,
    ...(rest === "recover" ? ["recover"] : []),
    `${seconds.toFixed(0)} s`,
    ...(failed === 0 ? [] : [`${failed} failed`]),
  ].join(", ");
}
