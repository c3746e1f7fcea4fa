import { expect, test } from "vitest";
import { findLostImages, makeUndoable } from "../../../src/lib/deploy/prepare/images/ask-for-lost.ts";
import type { HostPlan } from "../../../src/lib/plan/steps/plan.ts";
import type { HostState } from "../../../src/lib/host/host-state.ts";
import { parseManifest } from "../../../src/lib/release/manifest.ts";
import { emptyHost } from "../plan/simulated-host.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const [web, db] = [`r.example/web@${digest("a")}`, `postgres@${digest("b")}`];
/** A registry that has some images. */
const registry = (...known: string[]) => ({
  digestOf: (image: string) => Promise.resolve(known.includes(image) ? digest("a") : undefined),
});

const service = (image: string) => ({ definition: "d", reference: image, image });
const manifest = parseManifest(
  JSON.stringify({
    version: 1,
    id: "r1",
    project: "shop",
    environment: "staging",
    commit: "c".repeat(40),
    createdAt: "2026-11-23T04:29:38Z",
    tasks: {},
    services: { web: service(web), db: service(db) },
  }),
)!;
/** The host has none of the images of what serves there. */
const state: HostState = { ...emptyHost, host: "a", current: "r1", manifest, images: [] };
const plan: HostPlan = {
  host: "a",
  expect: "r1",
  services: [
    { service: "web", change: "update", reasons: [], rollout: "recreate", rolloutReason: "" },
    { service: "db", change: "update", reasons: [], rollout: "recreate", rolloutReason: "" },
  ],
  steps: [{ verb: "recreate", services: ["web"] }],
};

test("a registry is asked for each image by its digest", async () => {
  expect(await findLostImages([web, db], registry(db))).toEqual({ there: [db], gone: [web] });
});

test("what undoing needs is pulled, too, and what nobody has any more is told", async () => {
  const { plan: whole, notes } = await makeUndoable(plan, state, () => Promise.resolve(registry(web)));
  expect(whole.steps[0]).toMatchObject({ verb: "pull", images: [web] });
  expect(notes).toEqual([
    "a no longer has what serves there, and pulls it, too, so that this can be undone: r.example/web@sha256:aaaaaaaa",
    "a no longer has what serves there, and it cannot be pulled: if this fails, these may not come back: postgres@sha256:bbbbbbbb",
  ]);
});

test("a registry that does not answer refuses nothing", async () => {
  const { plan: same, notes } = await makeUndoable(plan, state, () => Promise.reject(new Error("down")));
  expect(same).toBe(plan);
  expect(notes).toEqual([expect.stringContaining("it cannot be pulled: if this fails, these may not come back")]);
});

test("no registry is asked where the host has all, or nothing changes", async () => {
  const asked = () => Promise.reject(new Error("asked"));
  expect(await makeUndoable(plan, { ...state, images: [web, db] }, asked)).toEqual({ plan, notes: [] });
  expect(await makeUndoable({ ...plan, steps: [] }, state, asked)).toMatchObject({ notes: [] });
});
