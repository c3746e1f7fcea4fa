import { describe, expect, test } from "vitest";
import { imagesToUndo, shortImageName, pullToo } from "../../../src/lib/plan/lost-images.ts";
import type { HostPlan, ServiceChange } from "../../../src/lib/plan/steps/plan.ts";
import type { Manifest } from "../../../src/lib/release/manifest.ts";
import { emptyHost } from "./simulated-host.ts";
import { barrier } from "../../../src/lib/plan/steps/barriers.ts";
import { formatStep, type Step } from "../../../src/lib/plan/steps/step.ts";

const image = (name: string) => `r.example/${name}:main@sha256:${name.padEnd(64, "0")}`;
const service = (name: string) => ({ definition: name, reference: name, image: image(name) });
const manifest: Manifest = {
  version: 1,
  id: "r1",
  project: "shop",
  environment: "staging",
  commit: "c",
  createdAt: "",
  services: { web: service("web"), db: service("db"), local: { ...service("local"), image: "local:1" } },
  fronts: { web: { definition: "f", reference: "haproxy", image: image("haproxy"), configuration: "c", slots: ["blue", "green"] } },
  tasks: {},
  images: {},
};
const plan = (changes: Record<string, ServiceChange["change"]>, steps: Step[] = []): HostPlan => ({
  host: "a",
  expect: "r1",
  services: Object.entries(changes).map(([name, change]) => ({ service: name, change, reasons: [] })),
  steps,
});

const expected: Step = { verb: "expect", release: "r1" };
const hook: Step = { verb: "hook", name: "before_deploy", within: 600 };

describe("images that undoing needs", () => {
  test("are those of what changes and the host lost, of fronts, too", () => {
    const state = { ...emptyHost, manifest, images: [image("db")] };
    expect(imagesToUndo(plan({ web: "update", db: "keep" }), state)).toEqual([image("haproxy"), image("web")]);
    expect(imagesToUndo(plan({ web: "create", db: "remove", local: "update", fresh: "create" }), state)).toEqual([
      image("haproxy"),
      image("web"),
    ]);
  });

  test("are none where all are there, nothing changes, nothing served, or nobody knows", () => {
    const all = [image("web"), image("db"), image("haproxy")];
    expect(imagesToUndo(plan({ web: "update" }), { ...emptyHost, manifest, images: all })).toEqual([]);
    expect(imagesToUndo(plan({ web: "keep" }), { ...emptyHost, manifest, images: [] })).toEqual([]);
    expect(imagesToUndo(plan({ web: "create" }), { ...emptyHost, images: [] })).toEqual([]);
    expect(imagesToUndo(plan({ web: "update" }), { ...emptyHost, manifest })).toEqual([]);
  });
});

describe("a plan that pulls them, too", () => {
  const steps = (...args: Parameters<typeof pullToo>) => pullToo(...args).steps.map(formatStep);

  test("has them with what it pulls anyway", () => {
    expect(steps(plan({}, [expected, { verb: "pull", images: [image("web")] }, { verb: "commit" }]), [image("db"), image("web")])).toEqual([
      "expect r1",
      `pull ${image("db")} ${image("web")}`,
      "commit",
    ]);
  });

  test("pulls before all else that changes anything, where it pulled nothing", () => {
    expect(steps(plan({}, [expected, hook, barrier("pulled"), { verb: "commit" }]), [image("db")])).toEqual([
      "expect r1",
      "hook before_deploy 600",
      `pull ${image("db")}`,
      "barrier pulled 20",
      "commit",
    ]);
  });

  test("stays as it is with nothing to pull, or nothing to do", () => {
    expect(steps(plan({}, [expected, { verb: "commit" }]), [])).toEqual(["expect r1", "commit"]);
    expect(steps(plan({}), [image("db")])).toEqual([]);
  });
});

test("a name for people has the beginning of the digest", () => {
  expect(shortImageName("r.example/web:main@sha256:0123456789abcdef")).toBe("r.example/web:main@sha256:01234567");
  expect(shortImageName("web")).toBe("web");
});
