import type { Outcome } from "./cell.ts";
import { kinds, type KindName } from "./kinds.ts";
import { cellName, record, type Series } from "./table.ts";

/** Whether something is to be run: all of it, unless some are named. */
const isWanted = (variable: string, name: string): boolean => process.env[variable]?.split(" ").includes(name) ?? true;

/** The kinds of faults to run of a series. */
export const wantedKinds = (series: Series): KindName[] =>
  isWanted("SERIES", series) ? (Object.keys(kinds) as KindName[]).filter((name) => isWanted("FAULTS", name)) : [];

/** The numbers of the steps to run, of so many. */
export const wantedSteps = (count: number): number[] =>
  Array.from({ length: count }, (_, index) => index + 1).filter((step) => isWanted("STEPS", `${step}`));

export interface Cell<Serving> {
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
export async function runCell<Serving>({ series, steps, kind, step, strike, renew }: Cell<Serving>): Promise<Serving> {
  const cell = cellName(kind, step);
  const keep = (finding: Parameters<typeof record>[3]) => record(series, steps, cell, finding);
  await keep({ wrong: "not whole" });
  const { serving, ...outcome } = await strike().catch(async (error: unknown) => {
    // The next cell is to begin with one that serves.
    await renew(undefined).catch(() => undefined);
    throw error;
  });
  await keep({ wrong: "the next deploy fails" });
  const now = await renew(serving);
  await keep(outcome);
  console.info(cell, JSON.stringify(outcome));
  return now;
}
