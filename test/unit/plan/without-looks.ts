import type { Step } from "../../../src/lib/plan/steps/step.ts";

/** Steps that change nothing, and only look at what is reached: they have tests of their own. */
const looks = new Set(["look", "probe", "reach"]);

/** What a plan does. */
export function withoutLooks(steps: readonly Step[]): Step[] {
  return steps.filter(({ verb }) => !looks.has(verb));
}
