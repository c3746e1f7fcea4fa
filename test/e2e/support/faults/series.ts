import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { top } from "../repository.ts";
import { kinds, type KindName } from "./fault-kinds.ts";
import type { Outcome } from "./strike.ts";
import { record, type Finding, type Series } from "./table.ts";

/** Whether something is to be run: all of it, unless some are named. */
const isWanted = (variable: string, name: string): boolean => process.env[variable]?.split(" ").includes(name) ?? true;

/** The kinds of faults to run of a series. */
export const wantedKinds = (series: Series): KindName[] =>
  isWanted("SERIES", series) ? (Object.keys(kinds) as KindName[]).filter((name) => isWanted("FAULTS", name)) : [];

/** The steps to run, with their numbers. */
export const wantedSteps = (steps: readonly string[]): [number: number, step: string][] =>
  steps.map((step, index): [number, string] => [index + 1, step]).filter(([number]) => isWanted("STEPS", `${number}`));

/** The verbs of all steps that a host can take. */
export async function knownVerbs(): Promise<string[]> {
  const folder = join(top, "scripts/environment-deployment-management");
  const texts = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file), "utf8")));
  return texts.flatMap((text) => [...text.matchAll(/^do_(\w+)\(\)/gm)].map(([, verb = ""]) => verb));
}

export interface TableCell<Serving> {
  series: Series;
  steps: readonly string[];
  kind: KindName;
  /** One of them. */
  step: string;
  strike: () => Promise<Outcome & { serving: Serving }>;
  /** Deploys anew what may serve. */
  renew: (serving: Serving | undefined) => Promise<Serving>;
}

/** Has a fault strike, then something else deployed, and keeps what came of it; what serves in the end. */
export async function runTableCell<Serving>({ series, steps, kind, step, strike, renew }: TableCell<Serving>): Promise<Serving> {
  const isWhole = wantedKinds(series).length === Object.keys(kinds).length;
  const keep = (finding: Finding) => record({ series, steps, kind, step, finding, isWhole });
  await keep({ wrong: "not whole" });
  const { serving, ...outcome } = await strike().catch(async (error: unknown) => {
    // The next cell is to begin with one that serves.
    await renew(undefined).catch(() => undefined);
    throw error;
  });
  await keep({ wrong: "the next deploy fails" });
  const now = await renew(serving);
  await keep(outcome);
  console.info(kind, step, JSON.stringify(outcome));
  return now;
}
