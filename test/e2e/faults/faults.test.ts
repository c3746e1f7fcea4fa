// The tests build on each other: each goes on from where the one before it came to.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deployByHand, deployOther, updateFront, type Attempt } from "../support/faults/attempt.ts";
import type { KindName } from "../support/faults/fault-kinds.ts";
import { knownVerbs } from "../support/faults/series.ts";
import { deployEdition, readPlan, readServing, strikeAt, type Serving } from "../support/faults/strike.ts";
import { makeEveryStepProject, other, removeEveryStepProject } from "../support/projects/every-step-project.ts";

let clone: string;
let serving: Serving;
/** What is kept beside it. */
let former: Serving;

beforeAll(async () => {
  clone = await makeEveryStepProject();
  former = await deployEdition(clone, "first");
  serving = await deployEdition(clone, "second");
});
afterAll(removeEveryStepProject);

test("a fault can meet every kind of step that there is", async () => {
  const steps = [...(await readPlan()), ...(await readPlan(former.release, "plan.full"))].map((step) => step.split(" ")[0]);
  const known = await knownVerbs();
  // Of an update of fronts, and of a release to several hosts.
  expect(new Set([...steps, "join", "leave", "barrier"])).toEqual(new Set(known));
});

describe("a fault at a step leaves one release whole", () => {
  // Each kind and each step once; npm run faults has them all.
  test.each([
    ["kill-client", "expect"],
    ["kill-group", "hook before_deploy"],
    ["kill-engine", "pull"],
    ["kill-executor", "once migrate"],
    ["interrupt", "task prepare"],
    ["kill-group", "recreate sign"],
    ["kill-executor", "start shop"],
    ["power-cycle", "healthy shop@idle"],
    ["kill-executor", "probe shop"],
    ["kill-group", "hold till"],
    ["kill-engine", "open till"],
    ["kill-executor", "front gate"],
    ["power-cycle", "switch shop"],
    ["kill-group", "unwritten"],
    ["kill-executor", "commit"],
    ["freeze", "signal shop@was file"],
    ["cut", "drain shop"],
    ["power-cycle", "stop shop@was"],
    ["kill-engine", "remove sign"],
    ["kill-executor", "hook after_deploy"],
    ["kill-group", "prune"],
  ] as [KindName, string][])("%s at %s", async (kind, step) => {
    await strike(kind, step, (before) => deployOther(clone, before));
  });

  test.each([
    ["kill-group", "join gate"],
    ["kill-executor", "leave gate"],
  ] as [KindName, string][])("%s at %s, while a front is updated", async (kind, step) => {
    await strike(kind, step, (before) => updateFront(clone, before, "gate"));
  });

  test("and the next deploy works", async () => {
    former = await readServing(serving.memory);
    serving = await deployEdition(clone, other(serving.edition), serving.memory);
  });

  test("kill-executor at keep, while a release is deployed by hand", async () => {
    await strike("kill-executor", "keep gate shop till", () => deployByHand(former.release, former));
  });
});

async function strike(kind: KindName, step: string, attemptAfter: (before: Serving) => Attempt): Promise<void> {
  // Whatever became of the test before.
  const before = await readServing(serving.memory);
  const { serving: now, ...outcome } = await strikeAt(before, attemptAfter(before), kind, step);
  serving = now;
  console.info(kind, step, JSON.stringify(outcome));
}
