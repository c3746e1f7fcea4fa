import { expect, test } from "vitest";
import type { HostConnection } from "../../../src/lib/adapters/ssh/ssh.ts";
import { waitForOtherDeploys } from "../../../src/lib/deploy/apply/wait-for-other-deploys.ts";
import { ColdtivateError } from "../../../src/lib/errors.ts";

const busy = new ColdtivateError("another deploy runs on a", { code: "DEPLOY_RUNNING", exit: "refused", details: ["ann deploys r2"] });

/** Attempts that end like this, one after the other, and hosts whose queue ends with a code. */
async function attempts(ends: readonly (Error | string)[], { waits = true, code = 0 } = {}) {
  const announced: string[] = [];
  const commands: string[] = [];
  const connection = (host: string) =>
    ({
      host,
      exec: (command: string) => {
        commands.push(`${host}:${/-c ([a-z]+)/.exec(command)?.[1]}`);
        return Promise.resolve({ code, stdout: Buffer.alloc(0), stderr: "" });
      },
    }) as unknown as HostConnection;
  const left = [...ends];
  const options = {
    waits,
    connections: Promise.resolve([connection("a"), connection("b")]),
    project: "shop-staging",
    announce: (text: string) => Promise.resolve(void announced.push(text)),
    signal: new AbortController().signal,
  };
  const result: unknown = await waitForOtherDeploys(options, async () => {
    const end = await Promise.resolve(left.shift());
    if (end instanceof Error) throw end;
    return end;
  }).catch((error: unknown) => error);
  return { result, announced, commands };
}

test("an attempt that nobody is in the way of is the only one", async () => {
  expect(await attempts(["done"])).toEqual({ result: "done", announced: [], commands: [] });
});

test("after another deploy has ended on every host, it is tried again, and said why", async () => {
  const { result, announced, commands } = await attempts([busy, busy, "done"]);
  expect(result).toBe("done");
  expect(announced).toEqual(Array(2).fill("ann deploys r2\nWaiting until it has ended, for at most 60 min.\n"));
  expect(commands).toEqual(["a:queue", "b:queue", "a:queue", "b:queue"]);
});

test("a refusal that does not go away by itself, and one that nobody waits for, end it", async () => {
  const locked = new ColdtivateError("a is locked", { code: "HOST_LOCKED", exit: "refused" });
  expect((await attempts([locked, "done"])).result).toBe(locked);
  expect((await attempts([busy, "done"], { waits: false })).result).toBe(busy);
});

test("hosts where somebody is at work all the time end it", async () => {
  expect((await attempts([busy, "done"], { code: 3 })).result).toMatchObject({ code: "WAITED_TOO_LONG", details: ["ann deploys r2"] });
});
