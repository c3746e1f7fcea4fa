import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { formatTable } from "../../bench/figures.ts";
import { top } from "../world.ts";
import type { Outcome } from "./cell.ts";
import { kinds, type KindName } from "./kinds.ts";

/** What is disturbed: a release, an update of fronts, a kept release that is deployed by hand, a release to several hosts. */
export type Series = "release" | "fronts" | "hand" | "fleet";

/** What is known of a series: its steps, in their order, and what came of each fault, or what did not hold. */
interface Findings {
  steps: string[];
  cells: Record<string, Outcome | { wrong: string }>;
}

type Results = Partial<Record<Series, Findings>>;

const store = join(top, ".tools/faults.json");

/**
 * Keeps what came of a fault, and writes the tables.
 *
 * @param steps those that the series has now: what was found of others is forgotten
 */
export async function record(series: Series, steps: readonly string[], cell: string, finding: Findings["cells"][string]): Promise<void> {
  const text = await readFile(store, "utf8").catch(() => "{}");
  const results = JSON.parse(text) as Results;
  const known = { ...results[series]?.cells, [cell]: finding };
  const cells = Object.fromEntries(Object.entries(known).filter(([name]) => steps.some((step) => name.endsWith(`/${step}`))));
  results[series] = { steps: [...steps], cells };
  await mkdir(dirname(store), { recursive: true });
  await writeFile(store, JSON.stringify(results, undefined, 2));
  await writeFile(join(top, "docs/faults.md"), formatResults(results));
}

export const cellName = (kind: KindName, step: string): string => `${kind}/${step}`;

/** A step of a plan without what differs from one release to the next. */
export function nameStep(line: string): string {
  const [verb = "", ...fields] = line.split("\t");
  const named = fields
    .filter((field) => /^[@a-z]/.test(field) && !/[:/]/.test(field))
    .map((field) => field.replace(/-(first|second)$/, ""));
  return [verb, ...named].join(" ");
}

function formatResults(results: Results): string {
  return `# Faults

    npm run faults                                                # two hours; brings up a sandbox of its own, and removes it
    FAULTS="cut power-cycle" STEPS="13 14" npm run faults         # some of it again
    SERIES="fronts hand" npm run faults                           # some of the tables

A release is disturbed as each of its steps begins, in each of these ways, while its services are asked over and over. After each the host serves one release whole, the old one or the new one; nothing holds the lock; no container is left that does not belong there; the journal has one beginning and one end; the next deploy works.

What each cell says: which release served afterwards; \`recover\` where \`coldtivate recover\` was needed, as the message said; the seconds from the fault until the host was at rest; how many requests failed, and they do so only where the engine or the host itself is down. A dash is one that was not run.

SIGINT is one without a terminal. A frozen link is one whose packets are dropped; that the client takes some 15 s to notice is part of the seconds. When the engine is killed, containers go on until it starts again, which restarts them.

## A release

Three services are replaced, one for each way of rolling out; the front of a fourth one gets other settings; a fifth one is new, and another one goes. Hooks run on the host before and after.

${formatSeries(results.release)}${tellOlder(results.release)}
## The fronts' update

\`coldtivate fronts\`. The gate's front publishes no port: another one joins it, and it leaves. The shop's front is replaced where it is, with a gap in which requests fail.

${formatSeries(results.fronts)}
## A kept release, deployed by hand

\`environment-deployment-management.sh deploy RELEASE\`, by somebody who is logged in there with \`ssh\`, whose process is in the place of the CLI's. \`recover\` is that of the same script.

${formatSeries(results.hand)}
## A release to three hosts

The fault meets the third host as it comes to a barrier. Afterwards all hosts serve one release, \`coldtivate status\` ends with 0, and the next deploy works on all of them. The requests are those to the first host, and none of them fails.

${formatSeries(results.fleet)}`;
}

function formatSeries({ steps, cells }: Findings = { steps: [], cells: {} }): string {
  const names = Object.keys(kinds) as KindName[];
  const rows = steps.map((step, index) => [`${index + 1} ${step}`, ...names.map((name) => formatCell(cells[cellName(name, step)]))]);
  return `${formatTable(["step", ...names.map((name) => kinds[name].title)], rows)}\n`;
}

/** Says which rows are of runs in which the release had other steps. */
function tellOlder({ steps, cells }: Findings = { steps: [], cells: {} }): string {
  const isOlder = (cell: Findings["cells"][string] | undefined) => cell !== undefined && !("wrong" in cell) && cell.of !== steps.length;
  const older = steps.map((step) => (Object.keys(kinds) as KindName[]).some((name) => isOlder(cells[cellName(name, step)])));
  const rows = older.flatMap((is, index) => (is ? [index + 1] : []));
  if (rows.length === 0) return "";
  const others = older.flatMap((is, index) => (is ? [] : [index + 1]));
  return `\nRows ${formatRows(rows)} are of runs before the release had rows ${formatRows(others)}, which were run on their own.\n`;
}

/** Numbers in their order, `1–4, 7`. */
function formatRows(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(", ");
}

function formatCell(cell: Findings["cells"][string] | undefined): string {
  if (cell === undefined) return "–";
  if ("wrong" in cell) return `**${cell.wrong}**`;
  const { serves, rest, failed, seconds } = cell;
  return [
    serves,
    ...(rest === "recover" ? ["recover"] : []),
    `${seconds.toFixed(0)} s`,
    ...(failed === 0 ? [] : [`${failed} failed`]),
  ].join(", ");
}
