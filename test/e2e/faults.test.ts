import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeBooth, other, removeBooth } from "./faults/booth.ts";
import { deployEdition, lastPlan, readServing, strikeAt } from "./faults/cell.ts";
import type { KindName } from "./faults/kinds.ts";
import { nameStep } from "./faults/table.ts";

let clone: string;
let steps: string[];

beforeAll(async () => {
  clone = await makeBooth();
  await deployEdition(clone, "first");
  await deployEdition(clone, "second");
  steps = (await lastPlan()).map(nameStep);
});
afterAll(removeBooth);

describe("a fault at a step leaves one release whole", () => {
  // Each kind and each step once; npm run faults has them all.
  test.each([
    ["kill-client", "expect"],
    ["kill-engine", "pull"],
    ["interrupt", "task prepare"],
    ["kill-group", "recreate sign"],
    ["kill-executor", "start shop"],
    ["power-cycle", "healthy shop@idle"],
    ["kill-group", "hold till"],
    ["kill-engine", "open till"],
    ["power-cycle", "switch shop"],
    ["kill-executor", "commit"],
    ["freeze", "signal shop@was file"],
    ["cut", "drain shop"],
    ["power-cycle", "stop shop@was"],
    ["kill-engine", "remove sign"],
    ["kill-group", "prune"],
  ] as [KindName, string][])("%s at %s", async (kind, step) => {
    const number = steps.indexOf(step) + 1;
    expect(number, steps.join("\n")).toBeGreaterThan(0);
    console.info(kind, step, JSON.stringify(await strikeAt(clone, await readServing(), kind, number)));
  });

  test("and the next deploy works", async () => {
    await deployEdition(clone, other((await readServing()).edition));
  });
});
