import { beforeEach, expect, test } from "vitest";
import { runVerb } from "../../../src/lib/adapters/host/host-verbs.ts";
import type { HostConnection } from "../../../src/lib/adapters/ssh/ssh.ts";
import { changes } from "../../../src/lib/changes.ts";

beforeEach(() => changes.clear());

/** A host whose script ends with a code, or whose connection is lost. */
function hostThat(code: number | undefined, host = "prod-1"): HostConnection {
  const exec = () =>
    code === undefined ? Promise.reject(new Error("lost")) : Promise.resolve({ code, stdout: Buffer.alloc(0), stderr: "" });
  return { host, exec } as unknown as HostConnection;
}

test.each([
  ["is done", 0, ["locked: prod-1"]],
  ["was refused", 3, []],
  ["has no environment to be done to", 77, []],
  ["broke off", undefined, ["perhaps locked, which nobody has confirmed: prod-1"]],
])("a lock that %s", async (_what, code, told) => {
  await runVerb(hostThat(code), "shop-production", ["lock"]).catch(() => {});
  expect(changes.told()).toEqual(told);
});

test("a lock that is taken away again is no change, and a question is none", async () => {
  await runVerb(hostThat(0), "shop-production", ["lock"]);
  await runVerb(hostThat(0, "prod-2"), "shop-production", ["lock"]);
  await runVerb(hostThat(0), "shop-production", ["unlock"]);
  await runVerb(hostThat(0), "shop-production", ["history"]);
  expect(changes.told()).toEqual(["locked: prod-2"]);
});
