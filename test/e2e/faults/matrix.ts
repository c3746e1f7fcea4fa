import { afterAll, describe, test } from "vitest";
import { deployByHand, deployOther, updateFront, type Attempt } from "../support/faults/attempt.ts";
import type { KindName } from "../support/faults/fault-kinds.ts";
import { runTableCell, wantedKinds, wantedSteps } from "../support/faults/series.ts";
import { attemptUndisturbed, deployEdition, readPlan, readServing, strikeAt, type Serving } from "../support/faults/strike.ts";
import type { Series } from "../support/faults/table.ts";
import { makeEveryStepProject, other, removeEveryStepProject, type Front } from "../support/projects/every-step-project.ts";

/** Fronts whose update is disturbed: one that another joins, and one that is replaced where it is. */
const updated: readonly Front[] = ["gate", "shop"];
const isWanted = (["release", "fronts", "hand"] as const).some((series) => wantedKinds(series).length > 0);

let clone: string;
let serving: Serving;
/** What served before. */
let former: Serving;
/** The steps of a release. */
let plan: string[] = [];
/** Those that only an update of a front has, with the front. */
let frontSteps = new Map<string, Front>();
/** Those that only a release has that is deployed by hand. */
let handSteps: string[] = [];

// Which steps there are, only releases tell; which tests there are depends on it.
if (isWanted) {
  clone = await makeEveryStepProject();
  former = await deployEdition(clone, "first");
  serving = await deployEdition(clone, "second");
  plan = await readPlan();
  const isOwn = (step: string) => !plan.includes(step);
  handSteps = [...new Set(await readPlan(former.release, "plan.full"))].filter(isOwn);
  if (wantedKinds("fronts").length > 0) {
    for (const front of updated) {
      serving = await attemptUndisturbed(updateFront(clone, serving, front));
      frontSteps = new Map([...frontSteps, ...(await readPlan()).filter(isOwn).map((step) => [step, front] as const)]);
    }
  }
}
afterAll(async () => {
  if (isWanted) await removeEveryStepProject();
});

async function runStep(series: Series, steps: readonly string[], kind: KindName, step: string, attempt: Attempt): Promise<void> {
  const renew = async (now: Serving | undefined): Promise<Serving> => {
    const left = now ?? (await readServing(serving.memory).catch(() => serving));
    former = left;
    serving = await deployEdition(clone, other(left.edition), left.memory);
    return serving;
  };
  await runTableCell({ series, steps, kind, step, strike: () => strikeAt(serving, attempt, kind, step), renew });
}

describe.each(wantedKinds("release"))("%s", (kind) => {
  test.each(wantedSteps(plan))("at step %i, %s", (_, step) => runStep("release", plan, kind, step, deployOther(clone, serving)));
});

describe.each(wantedKinds("fronts"))("%s, while fronts are updated", (kind) => {
  const names = [...frontSteps.keys()];
  test.each(wantedSteps(names))("at step %i, %s", (_, step) =>
    runStep("fronts", names, kind, step, updateFront(clone, serving, frontSteps.get(step)!)),
  );
});

describe.each(wantedKinds("hand"))("%s, while a release is deployed by hand", (kind) => {
  test.each(wantedSteps(handSteps))("at step %i, %s", async (_, step) => {
    // What is deployed by hand brings the memory that fronts had then.
    if (former.edition === serving.edition || former.memory !== serving.memory) {
      former = await deployEdition(clone, other(serving.edition), serving.memory);
      serving = await deployEdition(clone, other(former.edition), serving.memory);
    }
    await runStep("hand", handSteps, kind, step, deployByHand(former.release, former));
  });
});
