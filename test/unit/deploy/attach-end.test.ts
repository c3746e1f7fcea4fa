import { expect, test } from "vitest";
import { describeEnd } from "../../../src/lib/deploy/apply/attach-end.ts";
import { HostProgress } from "../../../src/lib/deploy/apply/host-progress.ts";
import { parseHostPlan } from "../../../src/lib/plan/steps/kept-plan.ts";

test.each([
  [{}, "coldtivate deploy staging"],
  [{ again: "rollback", target: "20261123t095500-aaaaaaaa" }, "coldtivate rollback staging 20261123t095500-aaaaaaaa"],
  [{ again: "fronts" }, "coldtivate fronts staging"],
])("what was followed is tried again as what it was: %j", (kept, command) => {
  const plan = parseHostPlan("a", JSON.stringify({ expect: "r1", ...kept }));
  const story = new HostProgress(plan, { emit: () => {}, close: () => Promise.resolve() });
  const end = { release: "r2", plan, story, code: 4, told: [] };
  expect(() => describeEnd({ environment: "staging", project: "shop-staging", ends: [end], aborted: false })).toThrow(
    expect.objectContaining({ code: "DEPLOY_FAILED", hint: expect.stringContaining(`: ${command}`) as string }),
  );
});
