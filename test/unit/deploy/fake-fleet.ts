import type { Readable } from "node:stream";
import type { HostConnection } from "../../../src/lib/adapters/ssh/ssh.ts";
import { ColdtivateError } from "../../../src/lib/errors.ts";
import { barrier } from "../../../src/lib/plan/steps/barriers.ts";
import type { HostPlan } from "../../../src/lib/plan/steps/plan.ts";
import type { Step } from "../../../src/lib/plan/steps/step.ts";
import { fakeConnection } from "../hosts/fake-connection.ts";

export const fleetSteps: Step[] = [
  { verb: "pull", images: ["web"] },
  barrier("pulled"),
  { verb: "healthy", service: "web", part: "idle", within: 60, settled: 2 },
  barrier("healthy"),
  { verb: "switch", service: "web" },
  barrier("switched"),
  { verb: "commit" },
];

export interface Fate {
  /** The step that fails, counted from 1, and why. */
  fails?: [number, string];
  /** The step at whose beginning the connection ends, and what the host's script ends with, where it can be reached again. */
  lost?: [number, number | undefined];
  /** Refused at once, with these words. */
  refuses?: string;
  /** The refusal goes away by itself. */
  passes?: "busy" | "stale";
}

/** A host of several, whose script waits at barriers for what it is told. */
export function fleetHost(name: string, { fails, lost, refuses, passes }: Fate = {}) {
  const said: string[] = [];
  const error = new ColdtivateError(`${name}: the SSH connection was lost`, { code: "CONNECTION_LOST", exit: "failed" });
  const connection = (isSecond: boolean): HostConnection => ({
    ...fakeConnection(name, async (_command, options) => {
      const end = (code: number, stderr = "") => ({ code, stdout: Buffer.alloc(0), stderr });
      const tell = (step: number, state: string, detail = "") => options?.onLine?.(`1\t${step}\t${state}\t${detail}`);
      if (passes !== undefined) tell(0, "refused", passes);
      if (refuses !== undefined) return end(3, refuses);
      if (isSecond) return end(lost?.[1] ?? 5, "");
      const messages = listen(options?.stdin as Readable, said);
      for (const [index, step] of fleetSteps.entries()) {
        tell(index + 1, "begin");
        if (lost?.[0] === index + 1) throw error;
        const isAborted = step.verb === "barrier" && (await messages.next()) === "abort";
        if (isAborted || fails?.[0] === index + 1) {
          tell(index + 1, "failed", isAborted ? "aborted" : fails?.[1]);
          tell(index + 1, "undone");
          return end(4);
        }
        tell(index + 1, "done");
      }
      return end(0);
    }),
    reconnect: () => (lost?.[1] === undefined ? Promise.reject(error) : Promise.resolve(connection(true))),
  });
  const plan: HostPlan = { host: name, expect: "r1", services: [], steps: fleetSteps };
  return { connection: connection(false), plan, entries: [], images: [], said };
}

/** The messages of an input after all else in it. */
function listen(input: Readable, said: string[]): { next: () => Promise<string | undefined> } {
  const lines: string[] = [];
  let wake = () => {};
  input.on("data", (chunk: Buffer) => {
    const found = chunk.toString("latin1").match(/^(go \w+|abort)$/gm) ?? [];
    lines.push(...found);
    said.push(...found);
    wake();
  });
  return {
    async next() {
      while (lines.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return lines.shift();
    },
  };
}
