import { expect, test } from "vitest";
import { describeOutcome } from "../../../src/lib/deploy/apply/outcome.ts";
import type { HostPlan, Plan } from "../../../src/lib/plan/steps/plan.ts";

const plan = (hosts: HostPlan[]): Plan => ({
  environment: "staging",
  project: "shop-staging",
  release: { id: "r2", commit: "0123456789", ref: "main" },
  hosts,
  notes: [],
});

test("what was done, host by host", () => {
  const host: HostPlan = {
    host: "a",
    expect: "r1",
    steps: [{ verb: "commit" }],
    services: [
      { service: "web", change: "update", reasons: [] },
      { service: "new", change: "create", reasons: [] },
      { service: "db", change: "keep", reasons: [] },
    ],
  };
  expect(describeOutcome(plan([host]), 1234)).toBe(
    "staging serves r2, commit 01234567 (main), since now: deployed in 1.2 s.\n  a: replaced web; started new; 1 untouched",
  );
});

test("nothing to do names the release that serves", () => {
  expect(describeOutcome(plan([{ host: "a", expect: "r1", services: [], steps: [] }]))).toBe(
    "staging serves commit 01234567 (main) already, as r1: nothing to do.",
  );
});

test("nothing to do still says what a person should know", () => {
  const { hosts, ...rest } = plan([{ host: "a", expect: "r1", services: [], steps: [] }]);
  expect(describeOutcome({ ...rest, hosts, notes: ["uncommitted changes are not part of the release: a"] })).toBe(
    "staging serves commit 01234567 (main) already, as r1: nothing to do.\n! uncommitted changes are not part of the release: a",
  );
});
