import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { formatTable } from "../../bench/figures.ts";
import { top } from "../world.ts";
import type { Outcome } from "./cell.ts";
import { kinds, type KindName } from "./kinds.ts";

/** What is known of a release's steps, in their order, and of what came of each fault. */
export interface Results {
  steps: string[];
  /** By kind and step: what came of it, or what did not hold. */
  cells: Record<string, Outcome | { wrong: string }>;
}

const store = join(top, ".tools/faults.json");

/** What earlier runs found; nothing of a release that had other steps. */
export async function readResults(steps: readonly string[]): Promise<Results> {
  const text = await readFile(store, "utf8").catch(() => undefined);
  const known = text === undefined ? undefined : (JSON.parse(text) as Results);
  return known !== undefined && known.steps.join("\n") === steps.join("\n") ? known : { steps: [...steps], cells: {} };
}

/** Keeps results, and writes the table. */
export async function writeResults(results: Results): Promise<void> {
  await mkdir(dirname(store), { recursive: true });
  await writeFile(store, JSON.stringify(results, undefined, 2));
  await writeFile(join(top, "docs/faults.md"), formatResults(results));
}

export const cellName = (kind: KindName, step: number): string => `${kind}/${step}`;

/** A step of a plan without what differs from one release to the next. */
export function nameStep(line: string): string {
  const [verb = "", ...fields] = line.split("\t");
  const named = fields.filter((field) => /^[a-z]/.test(field) && !/[:/]/.test(field)).map((field) => field.replace(/-(first|second)$/, ""));
  return [verb, ...named].join(" ");
}

function formatResults({ steps, cells }: Results): string {
  const names = Object.keys(kinds) as KindName[];
  const rows = steps.map((title, index) => [`${index + 1} ${title}`, ...names.map((name) => formatCell(cells[cellName(name, index + 1)]))]);
  return `# Faults

    npm run faults                                                # an hour or two; brings up a sandbox of its own, and removes it
    FAULTS="cut power-cycle" STEPS="13 14" npm run faults         # some of it again

A release of three services, one for each way of rolling out, is disturbed as each of its steps begins, in each of these ways, while both services that take requests are asked over and over. After each the host serves one release whole, the old one or the new one; nothing holds the lock; no container is left that does not belong there; the journal has one beginning and one end; the next deploy works.

What each cell says: which release served afterwards; \`recover\` where \`coldtivate recover\` was needed, as the message said; the seconds from the fault until the host was at rest; how many requests failed, and they do so only where the engine or the host itself is down. A dash is one that was not run.

${formatTable(["step", ...names.map((name) => kinds[name].title)], rows)}

SIGINT is one without a terminal. A frozen link is one whose packets are dropped; that the client takes some 15 s to notice is part of the seconds. When the engine is killed, containers go on until it starts again, which restarts them.
`;
}

function formatCell(cell: Results["cells"][string] | undefined): string {
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
