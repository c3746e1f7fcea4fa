import { expect, test } from "vitest";
import { ownPlatform } from "../../../src/lib/adapters/machine.ts";
import type { Builder } from "../../../src/lib/adapters/buildkit/buildkit.ts";
import { planChanged, type PlannedBuild } from "../../../src/lib/builds/plan/plan-changed.ts";
import type { Config, ImageConfig } from "../../../src/lib/config/schema/config.ts";
import type { ContentPlan } from "../../../src/lib/content/content-plan.ts";

const web: ImageConfig = { name: "web", context: "web", dockerfile: "Dockerfile", args: {}, secrets: {} };
const commit = "a".repeat(40);
const contents: ContentPlan = {
  unchanged: [],
  changed: [{ name: "web", cause: { kind: "new" }, content: { tag: "content-1", inputs: [] } }],
};

/** The plan for one changed image. */
function planWith(build: object, builder: Partial<Builder>, output: "load" | "push" = "push"): PlannedBuild {
  const config = {
    registry: { image: "r.example/shop", insecure: false },
    build: { args: {}, platforms: [], secrets: {}, ssh: false, ...build },
    images: { web },
  } as unknown as Config;
  const facts = {
    revision: { commit },
    states: [{ name: "web", commit, time: 1, dirty: [] }],
    builder: { isEngine: true, cacheExport: true, platform: ownPlatform, ...builder },
    observed: { sources: [], texts: new Map(), bases: new Map() },
  };
  return planChanged(config, [web], contents, { ...facts, output, noCache: false });
}

test("an image that is all that its content asks for keeps its content, and is recorded as soon as it was sent", () => {
  const plan = planWith({}, {});
  expect([plan.contents, plan.recordsEarly, plan.build.warnings]).toEqual([contents, true, []]);
  expect(planWith({}, {}, "load").build.images[0]?.tags).toContain("r.example/shop/web:content-1");
});

test("an image for another platform has no content by which it would be found, and a warning says why", () => {
  const plan = planWith({}, { platform: "linux/other" }, "load");
  expect(plan.contents.changed).toEqual([{ name: "web", cause: { kind: "new" } }]);
  expect(plan.recordsEarly).toBe(false);
  expect(plan.build.warnings).toEqual([expect.stringContaining("the builder builds for linux/other")]);
  expect(plan.build.images[0]?.tags).not.toContain("r.example/shop/web:content-1");
  // Unless the configuration says for which platforms it is.
  expect(planWith({ platforms: ["linux/other"] }, { platform: "linux/other" }).contents).toEqual(contents);
});

test("an image without the attestations that are asked for has no content, and an index is not recorded early", () => {
  const build = { provenance: "min" };
  expect(planWith(build, { cacheExport: false }, "load").contents.changed[0]).not.toHaveProperty("content");
  const whole = planWith(build, {});
  expect([whole.contents, whole.recordsEarly]).toEqual([contents, false]);
});
