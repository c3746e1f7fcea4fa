import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { frontNotes, planFronts } from "../../../src/lib/plan/plan-fronts.ts";
import { updateFronts } from "../../../src/lib/plan/front-update.ts";
import type { FrontImage } from "../../../src/lib/fronts/fronts.ts";
import { manifestOf } from "../../../src/lib/release/manifest.ts";
import type { ComposeService } from "../../../src/lib/compose/model.ts";
import { render } from "../../../src/lib/release/render.ts";
import type { Digest } from "../../../src/lib/compose/sources.ts";
import { emptyHost } from "./simulated-host.ts";
import { withoutLooks } from "./without-looks.ts";
import { formatStep } from "../../../src/lib/plan/steps/step.ts";

const digest: Digest = (content) => createHash("sha256").update(content).digest("hex");
const healthcheck = { test: ["CMD", "curl", "http://localhost:8000/up"] };
const services: Record<string, ComposeService> = {
  gateway: { image: "ours", ports: [{ target: 8000, published: "80" }], networks: { default: null }, healthcheck },
  web: { image: "ours", networks: { default: { aliases: ["api"] } }, healthcheck },
  air: { image: "ours", networks: { default: null }, healthcheck },
};
const old: FrontImage = { reference: "haproxy:3", image: "haproxy@sha256:11" };

function release(running?: Record<string, FrontImage>) {
  return render({
    model: { services, networks: { default: { name: "shop-staging_default" } } },
    project: "shop-staging",
    stateDirectory: "/state",
    sourceDirectory: "/in",
    images: new Map([
      ["ours", { image: "ours@sha256:aa", built: "ours" }],
      ["haproxy:3", { image: "haproxy@sha256:11" }],
    ]),
    ...(running === undefined ? {} : { runningFronts: running }),
    front: { image: "haproxy:3" },
    services: {},
    tasks: [],
    sources: new Map(),
    variables: {},
    profiles: [],
    digest,
  });
}

const rendered = release();
const manifest = manifestOf(rendered, { id: "r1", project: "shop", environment: "staging", commit: "c", createdAt: "" });
const kept = {
  model: rendered.model,
  full: ["pull\thaproxy@sha256:11\tours@sha256:aa", "front\tweb"],
  configurations: { "web.cfg": "text" },
  hooks: [],
};

function update(front: FrontImage, chosen = ["air", "gateway", "web"]) {
  const updated = updateFronts(kept, manifest, { project: "shop-staging", stateDirectory: "/state", front, services: chosen, digest });
  const host = planFronts({ config: { services: {} }, state: { ...emptyHost, current: "r1", manifest }, manifest, updated });
  return { updated, host, steps: withoutLooks(host.steps).map(formatStep) };
}

describe("an update of fronts", () => {
  const next = { reference: "haproxy:3", image: "haproxy@sha256:22", memory: "32m" };

  test("has new ones join the old ones, which leave after the commit; those with ports are replaced in place", () => {
    const { updated, host, steps } = update(next);
    expect(steps).toEqual([
      "expect r1",
      "pull haproxy@sha256:22",
      "join web air",
      "front gateway",
      "commit",
      "leave 30 web air",
      "prune 5",
    ]);
    expect(host.services.find(({ service }) => service === "web")?.reasons).toEqual([
      "front sha256:11 → sha256:22",
      "memory of its front unlimited → 32m",
      "without a gap",
    ]);
    expect(frontNotes(host, updated)).toEqual(["gateway: one front alone can have its published port 80: a gap of about a second"]);
  });

  test("changes nothing but fronts, and these to what the next release keeps", () => {
    const { updated } = update(next);
    const expected = release({ air: next, gateway: next, web: next });
    expect(updated.release.model).toEqual(expected.model);
    expect(updated.fronts).toEqual(manifestOf(expected, { ...manifest }).fronts);
    expect(updated.release.full).toEqual(["pull\thaproxy@sha256:22\tours@sha256:aa", "front\tweb"]);
  });

  test("leaves the others alone, and pulls what they run", () => {
    const { updated, steps } = update(next, ["web"]);
    expect(steps).toContain("join web");
    expect(updated.fronts["air"]).toEqual(manifest.fronts["air"]);
    expect(updated.release.full[0]).toBe("pull\thaproxy@sha256:11\thaproxy@sha256:22\tours@sha256:aa");
  });

  test("is nothing where fronts run what they are to run", () => {
    expect(update(old).steps).toEqual([]);
  });
});
