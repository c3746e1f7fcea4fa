import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { applyRelease, followRelease } from "../../../src/lib/adapters/host.ts";
import type { HostConnection } from "../../../src/lib/adapters/ssh.ts";
import { Secret } from "../../../src/lib/config/secret.ts";

/** A host whose script reads all that it is sent, and ends; it also keeps the command. */
function host() {
  const seen = { command: "", input: "" };
  const connection: HostConnection = {
    host: "a",
    async exec(command, options) {
      seen.command = command;
      options?.onLine?.("1\t0\tbegin\tann");
      if (options?.stdin instanceof Readable) for await (const chunk of options.stdin) seen.input += String(chunk);
      return { code: 0, stdout: Buffer.alloc(0), stderr: "" };
    },
    reconnect: () => Promise.reject(new Error("unused")),
    startAhead: () => {},
    openSocket: () => Promise.reject(new Error("unused")),
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { connection, seen };
}

const release = { name: "shop-staging", release: "r2", onLine: () => {} };

test("a host that is at work can be spoken to, after an empty line that ends the credentials", async () => {
  const { connection, seen } = host();
  const password = new Secret("sesame");
  const credentials = [{ registry: "r.example", credentials: { username: "ann", password } }];
  let say = (_message: string) => {};
  const ended = applyRelease(connection, { ...release, entries: [], credentials, onStart: (speak) => void (say = speak) });
  await expect.poll(() => seen.input).toMatch(/sesame\n\n$/);
  say("go pulled");
  await expect.poll(() => seen.input).toMatch(/r\.example\tann\tsesame\n\ngo pulled\n$/);
  void ended;
});

test("a release that is at work is followed without a word", async () => {
  const { connection, seen } = host();
  expect(await followRelease(connection, release)).toEqual({ code: 0, stderr: "" });
  expect(seen).toMatchObject({ command: expect.stringContaining("-p shop-staging -c follow r2"), input: "" });
});
