import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deployByHand, deployOther, updateFront, type Attempt } from "./attempt.ts";
import { makeBooth, other, removeBooth, type Front } from "./booth.ts";
import { deployEdition, readPlan, readServing, strikeAt, type Serving } from "./cell.ts";
import type { KindName } from "./kinds.ts";
import { runCell, wantedKinds, wantedSteps } from "./series.ts";
import type { Series } from "./table.ts";

/** How many steps a release of the booth has. */
const count = 23;

/** Steps that only other releases have: those that are struck of them. */
const frontSteps: readonly [step: string, front: Front][] = [
  ["join gate", "gate"],
  ["leave gate", "gate"],
  ["front shop", "shop"],
];
const handSteps = ["keep gate shop till", "front gate shop till", "remove @others"];

let clone: string;
let serving: Serving;
/** What served before. */
let former: Serving;
let plan: string[];

beforeAll(async () => {
  clone = await makeBooth();
  former = await deployEdition(clone, "first");
  serving = await deployEdition(clone, "second");
  plan = await readPlan();
  expect(plan).toHaveLength(count);
});
afterAll(removeBooth);

async function runStep(series: Series, steps: readonly string[], kind: KindName, step: string, attempt: Attempt): Promise<void> {
  const renew = async (now: Serving | undefined): Promise<Serving> => {
    const left = now ?? (await readServing(serving.memory).catch(() => serving));
    former = left;
    serving = await deployEdition(clone, other(left.edition), left.memory);
    return serving;
  };
  await runCell({ series, steps, kind, step, strike: () => strikeAt(serving, attempt, kind, step), renew });
}

describe.each(wantedKinds("release"))("%s", (kind) => {
  test.each(wantedSteps(count))("at step %i", (step) => runStep("release", plan, kind, plan[step - 1]!, deployOther(clone, serving)));
});

describe.each(wantedKinds("fronts"))("%s, while fronts are updated", (kind) => {
  const names = frontSteps.map(([step]) => step);
  test.each(wantedSteps(frontSteps.length))("at step %i", async (number) => {
    const [step, front] = frontSteps[number - 1]!;
    await runStep("fronts", names, kind, step, updateFront(clone, serving, front));
  });
});

describe.each(wantedKinds("hand"))("%s, while a release is deployed by hand", (kind) => {
  test.each(wantedSteps(handSteps.length))("at step %i", async (number) => {
    // What is deployed by hand brings the memory that fronts had then.
    if (former.edition === serving.edition || former.memory !== serving.memory) {
      former = await deployEdition(clone, other(serving.edition), serving.memory);
      serving = await deployEdition(clone, other(former.edition), serving.memory);
    }
    await runStep("hand", handSteps, kind, handSteps[number - 1]!, deployByHand(former.release, former));
  });
});
