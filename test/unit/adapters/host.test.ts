import { expect, test } from "vitest";
import { applyRelease } from "../../../src/lib/adapters/host.ts";
import type { HostConnection } from "../../../src/lib/adapters/ssh.ts";

/** A host that carries out a release until it is asked to undo; each answer is an exit code of `abort`. */
function host(answers: number[]): { connection: HostConnection; asked: string[] } {
  const asked: string[] = [];
  const { promise, resolve } = Promise.withResolvers<number>();
  const end = (code: number) => ({ code, stdout: Buffer.alloc(0), stderr: "" });
  const connection: HostConnection = {
    host: "h1",
    async exec(command) {
      if (!command.includes(" abort ")) return end(await promise);
      asked.push(command);
      const code = answers.shift() ?? 0;
      if (code === 0) resolve(4);
      if (code === 3) resolve(0);
      return end(code);
    },
    startAhead: () => {},
    openSocket: () => Promise.reject(new Error("unused")),
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { connection, asked };
}

const never = new AbortController().signal;
const release = { name: "shop-staging", release: "r2", entries: [], credentials: [], onLine: () => {} };

test.each([
  ["is asked again while the release is still on its way to it", [127, 2, 0], 4, 3],
  ["that has committed already finishes", [3], 0, 1],
])("a host that is to undo %s", async (_what, answers, code, times) => {
  const { connection, asked } = host(answers);
  const controller = new AbortController();
  const applied = applyRelease(connection, { ...release, control: { abort: controller.signal, detach: never } });
  controller.abort();
  expect(await applied).toMatchObject({ code });
  expect(asked).toHaveLength(times);
});

test("a host whose turn comes after the interruption undoes at once", async () => {
  const { connection, asked } = host([0]);
  expect(await applyRelease(connection, { ...release, control: { abort: AbortSignal.abort(), detach: never } })).toMatchObject({ code: 4 });
  expect(asked).toHaveLength(1);
});
