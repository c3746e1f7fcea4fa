import { expect, test } from "vitest";
import { checkHost, refuseMissingElsewhere } from "../../../src/lib/deploy/prepare/host-check.ts";
import type { HostState } from "../../../src/lib/host/host-state.ts";
import { emptyHost } from "../plan/simulated-host.ts";

const host: HostState = { ...emptyHost, host: "a", stateDirectory: "/home/deploy/.coldtivate/shop" };
const container = {
  id: "1",
  name: "shop-web-1",
  service: "web",
  image: "",
  definition: "d",
  status: "running",
  health: "",
  oneOff: false,
} as const;

test("what is external and not there is refused, all of it at once, each command once", () => {
  const create = "docker network create proxy";
  expect(() =>
    refuseMissingElsewhere([
      { what: "a: network proxy", command: create },
      { what: "b: network proxy", command: create },
    ]),
  ).toThrow(
    expect.objectContaining({
      code: "EXTERNAL_MISSING",
      exit: "refused",
      details: ["a: network proxy", "b: network proxy"],
      hint: expect.stringMatching(/^Make it on the host, `docker network create proxy`, or/) as string,
    }),
  );
  expect(() => refuseMissingElsewhere([])).not.toThrow();
});

test.each<[string, Partial<HostState>, string]>([
  ["that somebody locked", { locked: "ann\t2026\twhy" }, "HOST_LOCKED"],
  ["that is at work", { running: "ann deploys r1" }, "DEPLOY_RUNNING"],
  ["whose containers another user deployed", { containers: [{ ...container, state: "/home/ann/.coldtivate/shop" }] }, "STATE_ELSEWHERE"],
])("a host %s takes no release", (_what, more, code) => {
  expect(() => checkHost({ ...host, ...more }, "staging")).toThrow(expect.objectContaining({ code, exit: "refused" }));
});

test("a host with its own containers, or those of plain Compose, takes one", () => {
  const containers = ["", host.stateDirectory].map((state) => ({ ...container, state }));
  expect(() => checkHost({ ...host, containers }, "staging")).not.toThrow();
});
