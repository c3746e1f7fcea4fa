import { expect, test } from "vitest";
import { ColdtivateError } from "../../../src/lib/errors.ts";
import { lockHosts, unlockHosts } from "../../../src/lib/environment/lock.ts";
import { fakeConnection } from "../hosts/fake-connection.ts";

type Answer = number | Error;
const lost = new ColdtivateError("the SSH connection was lost", { code: "CONNECTION_LOST", exit: "failed" });

/** A host that answers `lock` and `unlock`; it notes what it was asked. */
function host(name: string, { lock = 0, unlock = 0 }: { lock?: Answer; unlock?: Answer } = {}) {
  const asked: string[] = [];
  const connection = fakeConnection(name, (command) => {
    const verb = / -c (\w+)'$/.exec(command)?.[1] ?? "";
    asked.push(verb);
    const answer = verb === "lock" ? lock : unlock;
    return typeof answer === "number"
      ? Promise.resolve({ code: answer, stdout: Buffer.alloc(0), stderr: `${verb} ended with ${answer}` })
      : Promise.reject(answer);
  });
  return { connection, asked };
}

const { signal } = new AbortController();
const lock = (...hosts: ReturnType<typeof host>[]) =>
  lockHosts(
    hosts.map(({ connection }) => connection),
    "shop-staging",
    { who: "ann", why: "moving" },
    signal,
  );
const unlock = (...hosts: ReturnType<typeof host>[]) =>
  unlockHosts(
    hosts.map(({ connection }) => connection),
    "shop-staging",
    signal,
  );

test("a lock that one host refuses is taken back on the others", async () => {
  const [a, b, c] = [host("a"), host("b", { lock: 3 }), host("c")];
  await expect(lock(a, b, c)).rejects.toMatchObject({ code: "LOCK_REFUSED", exit: "refused", details: ["lock ended with 3"] });
  expect([a.asked, b.asked, c.asked]).toEqual([["lock", "unlock"], ["lock"], []]);
});

test("one that breaks off is taken back where it may have come", async () => {
  const [a, b] = [host("a"), host("b", { lock: lost })];
  await expect(lock(a, b)).rejects.toBe(lost);
  expect([a.asked, b.asked]).toEqual([
    ["lock", "unlock"],
    ["lock", "unlock"],
  ]);
});

test("what stays locked is named", async () => {
  await expect(lock(host("a", { unlock: 1 }), host("b", { lock: 3 }))).rejects.toMatchObject({
    code: "LOCK_INCOMPLETE",
    exit: "mixed",
    details: ["b: lock ended with 3", "a: unlock ended with 1"],
  });
  await expect(lock(host("a"), host("b", { lock: lost, unlock: lost }))).rejects.toMatchObject({
    code: "LOCK_INCOMPLETE",
    details: [lost.message, `b: ${lost.message}`],
  });
});

test("unlocking that fails is no success, and says what was unlocked", async () => {
  await expect(unlock(host("a", { unlock: 1 }))).rejects.toMatchObject({
    code: "UNLOCK_FAILED",
    exit: "refused",
    message: "a was not unlocked",
  });
  await expect(unlock(host("a"), host("b", { unlock: lost }))).rejects.toMatchObject({
    code: "UNLOCK_FAILED",
    exit: "mixed",
    details: [`b: ${lost.message}`, "a: unlock ended with 0"],
  });
  expect(await unlock(host("a"), host("b"))).toEqual(["a: unlock ended with 0", "b: unlock ended with 0"]);
});

test("an environment without a state is one that nothing was deployed to", async () => {
  await expect(unlock(host("a", { unlock: 77 }))).rejects.toMatchObject({ code: "NOTHING_DEPLOYED" });
});
