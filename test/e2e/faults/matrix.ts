import { afterAll, afterEach, beforeAll, describe, test } from "vitest";
import { makeBooth, other, removeBooth } from "./booth.ts";
import { deployEdition, lastPlan, strikeAt, type Serving } from "./cell.ts";
import { kinds, type KindName } from "./kinds.ts";

/** Only these kinds and steps, where one is told: `FAULTS="cut freeze" STEPS="3 4"`. */
const wanted = (name: string): string[] | undefined => process.env[name]?.split(" ");
const names = (Object.keys(kinds) as KindName[]).filter((name) => wanted("FAULTS")?.includes(name) ?? true);

/** How many steps a release of the booth has. */
const steps = Array.from({ length: 21 }, (_, index) => index + 1).filter((step) => wanted("STEPS")?.includes(`${step}`) ?? true);

let clone: string;
let serving: Serving;

beforeAll(async () => {
  clone = await makeBooth();
  await deployEdition(clone, "first");
  serving = await deployEdition(clone, "second");
  console.info((await lastPlan()).map((line, index) => `${index + 1} ${line.replaceAll("\t", " ")}`).join("\n"));
});
afterAll(() => process.env["KEEP"] ?? removeBooth());

describe.each(names)("%s", (name) => {
  test.each(steps)("at step %i", async (step) => {
    const outcome = await strikeAt(clone, serving, name, step);
    console.info(name, step, JSON.stringify(outcome));
    serving = outcome.serving;
  });
});

// The next deploy works, whatever became of the one before.
afterEach(async () => {
  serving = await deployEdition(clone, other(serving.edition));
});
