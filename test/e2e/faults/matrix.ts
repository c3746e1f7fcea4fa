import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeBooth, other, removeBooth } from "./booth.ts";
import { deployEdition, lastPlan, strikeAt, type Serving } from "./cell.ts";
import { kinds, type KindName } from "./kinds.ts";
import { cellName, nameStep, readResults, writeResults, type Results } from "./table.ts";

/** How many steps a release of the booth has. */
const count = 20;

/** Only these, where some are named. */
const wanted = (variable: string, name: string): boolean => process.env[variable]?.split(" ").includes(name) ?? true;
const names = (Object.keys(kinds) as KindName[]).filter((name) => wanted("FAULTS", name));
const steps = Array.from({ length: count }, (_, index) => index + 1).filter((step) => wanted("STEPS", `${step}`));

let clone: string;
let serving: Serving;
let results: Results;

beforeAll(async () => {
  clone = await makeBooth();
  await deployEdition(clone, "first");
  serving = await deployEdition(clone, "second");
  const plan = await lastPlan();
  expect(plan).toHaveLength(count);
  results = await readResults(plan.map(nameStep));
});
afterAll(removeBooth);

describe.each(names)("%s", (name) => {
  test.each(steps)("at step %i", async (step) => {
    const cell = cellName(name, step);
    results.cells[cell] = { wrong: "not whole" };
    try {
      const { serving: now, ...outcome } = await strikeAt(clone, serving, name, step);
      serving = now;
      results.cells[cell] = { wrong: "the next deploy fails" };
      serving = await deployEdition(clone, other(serving.edition));
      results.cells[cell] = outcome;
      console.info(cell, JSON.stringify(outcome));
    } catch (error) {
      // The next cell is to begin with one that serves.
      serving = await deployEdition(clone, other(serving.edition)).catch(() => serving);
      throw error;
    } finally {
      await writeResults(results);
    }
  });
});
