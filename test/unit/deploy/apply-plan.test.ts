import { describe, expect, test } from "vitest";
import type { HostConnection } from "../../../src/lib/adapters/ssh/ssh.ts";
import { changes } from "../../../src/lib/changes.ts";
import { applyPlan } from "../../../src/lib/deploy/apply/apply-plan.ts";
import { isTemporaryError } from "../../../src/lib/deploy/apply/wait-for-other-deploys.ts";
import { ColdtivateError } from "../../../src/lib/errors.ts";
import type { HostPlan } from "../../../src/lib/plan/steps/plan.ts";
import { fleetHost, type Fate } from "./fake-fleet.ts";
import type { ProgressEvent } from "../../../src/lib/report/progress.ts";
import type { Step } from "../../../src/lib/plan/steps/step.ts";
import { fakeConnection } from "../hosts/fake-connection.ts";

const steps: Step[] = [
  { verb: "pull", images: ["r.example/web@sha256:1"] },
  { verb: "healthy", service: "web", within: 60, settled: 2 },
];

/** A host whose script prints a journal and ends with a code. */
function host(
  name: string,
  journal: string[],
  code: number,
  stderr = "",
): { connection: HostConnection; plan: HostPlan; entries: never[]; images: never[] } {
  const connection: HostConnection = {
    ...fakeConnection(name, (_command, options) => {
      for (const [index, line] of journal.entries()) options?.onLine?.(`${index}\t${line}`);
      return Promise.resolve({ code, stdout: Buffer.alloc(0), stderr });
    }),
    reconnect: () => Promise.reject(new Error("unreachable")),
  };
  return { connection, plan: { host: name, expect: "r1", services: [], steps }, entries: [], images: [] };
}

async function apply(work: ReturnType<typeof host>[]): Promise<{ events: ProgressEvent[]; error: unknown }> {
  const events: ProgressEvent[] = [];
  const release = { id: "r2", commit: "0123456789" };
  const plan = { environment: "staging", project: "shop-staging", release, hosts: work.map((each) => each.plan), notes: [] };
  const reporter = { emit: (event: ProgressEvent) => void events.push(event), close: () => Promise.resolve() };
  const control = { abort: new AbortController().signal, detach: new AbortController().signal };
  const error: unknown = await applyPlan({
    plan,
    work,
    credentials: [],
    again: "coldtivate deploy staging",
    reporter,
    control,
    patience: 20,
  }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { events, error };
}

describe("a journal becomes progress", () => {
  test("step by step, with images named shortly", async () => {
    const { events, error } = await apply([
      host(
        "a",
        ["0\tbegin\t", "1\tbegin\tpull", `1\tnote\tpulled r.example:5000/shop/web@sha256:${"1".repeat(64)}`, "1\tdone\t", "0\tcommitted\t"],
        0,
      ),
    ]);
    expect(error).toBeUndefined();
    expect(events.slice(1)).toEqual([
      { type: "started", row: "a/1" },
      { type: "updated", row: "a/1", text: "pulled web@sha256:11111111" },
      { type: "done", row: "a/1" },
    ]);
  });
});

describe("a failure says what happened, what serves and what to do next", () => {
  test("undone", async () => {
    const journal = ["2\tbegin\t", "2\tlog\tboom", "2\tfailed\tweb-1 exited with 3", "2\tundone\t", "0\tundone\t"];
    const { error } = await apply([host("a", journal, 4)]);
    expect(error).toMatchObject({
      message: "a: web did not become healthy: web-1 exited with 3",
      exit: "failed",
      details: ["boom"],
      hint: "Everything was undone on a: r1 serves as before. Correct the cause, then: coldtivate deploy staging",
    });
  });

  test("refused", async () => {
    const { error } = await apply([host("a", [], 3, "Another deploy is at work here: r9, by ann\n")]);
    expect(error).toMatchObject({
      exit: "refused",
      details: ["Another deploy is at work here: r9, by ann"],
      hint: "On a: r1 serves as before.",
    });
  });

  test.each([
    ["busy", "DEPLOY_RUNNING", /^On a: r1 serves as before. Try again once the other deploy has ended: .*--wait$/],
    ["stale", "PLAN_STALE", /^On a: r1 serves as before. Try again: .*--wait/],
  ])("refused because it is %s, which passes", async (why, code, hint) => {
    const { error } = await apply([host("a", [`0\trefused\t${why}`], 3, "words")]);
    expect(error).toMatchObject({ code, exit: "refused", hint: expect.stringMatching(hint) });
  });

  test("what hosts have told of is no other change, and what they have taken is one", async () => {
    const told = async (journal: string[], code: number) => {
      changes.clear();
      await apply([host("a", journal, code)]);
      return changes.told();
    };
    expect(await told([], 3)).toEqual([]);
    expect(await told(["0\tundone\t"], 4)).toEqual([]);
    expect(await told([], 0)).toEqual([expect.stringMatching(/^told to take release .*: a$/)]);
  });

  test("a host that breaks off in any other way may have been changed", async () => {
    changes.clear();
    const broken = host("a", [], 0);
    const refused = new ColdtivateError("a: it makes no sense", { code: "HOST_UNREACHABLE", exit: "refused" });
    await apply([{ ...broken, connection: { ...broken.connection, exec: () => Promise.reject(refused) } }]);
    expect(changes.told()).toEqual([expect.stringMatching(/^perhaps told to take release .*, which nobody has confirmed: a$/)]);
  });

  test("a link that breaks leaves the host to itself, and says so", async () => {
    const broken = host("a", [], 0);
    const lost = new ColdtivateError("a: the SSH connection was lost", { code: "CONNECTION_LOST", exit: "failed" });
    const { error } = await apply([{ ...broken, connection: { ...broken.connection, exec: () => Promise.reject(lost) } }]);
    expect(error).toMatchObject({ exit: "mixed", hint: expect.stringContaining("finishes release r2 or undoes all of it") });
  });

  test("not undone", async () => {
    const { error } = await apply([host("a", ["1\tfailed\tx", "1\tstuck\ty", "0\tbroken\t"], 5)]);
    expect(error).toMatchObject({ exit: "mixed", code: "DEPLOY_BROKEN", hint: expect.stringContaining("coldtivate status staging") });
  });
});

describe("several hosts", () => {
  const settled = async (...fates: Fate[]) => {
    const hosts = fates.map((fate, index) => fleetHost(["a", "b", "c"][index]!, fate));
    return { ...(await apply(hosts)), said: hosts.map(({ said }) => said.join(", ")) };
  };

  test("go past each barrier together", async () => {
    const { error, said } = await settled({}, {}, {});
    expect(error).toBeUndefined();
    expect(said).toEqual(Array(3).fill("go pulled, go healthy, go switched"));
  });

  test("all undo when one fails before the decision", async () => {
    const { error, said } = await settled({}, {}, { fails: [3, "web-1 exited with 3"] });
    expect(said).toEqual(Array(3).fill("go pulled, abort"));
    expect(error).toMatchObject({
      message: "c: the new web did not become healthy: web-1 exited with 3",
      exit: "failed",
      code: "DEPLOY_FAILED",
      hint: "Nothing was changed on any host: r1 serves as before. Correct the cause, then: coldtivate deploy staging",
    });
  });

  test("all undo when one refuses", async () => {
    const { error } = await settled({}, { refuses: "Another deploy is at work here" });
    expect(error).toMatchObject({ message: "b refused the deploy", details: ["Another deploy is at work here"], exit: "failed" });
  });

  test("are not asked where the first one refuses", async () => {
    const { error, events } = await settled({ refuses: "Another deploy is at work here" }, {}, {});
    expect(error).toMatchObject({ message: "a refused the deploy", details: ["Another deploy is at work here"], exit: "refused" });
    expect(events.filter(({ type }) => type === "started")).toEqual([]);
  });

  test("that all refuse have not begun", async () => {
    const { error } = await settled({ refuses: "locked" }, { refuses: "locked" });
    expect(error).toMatchObject({ exit: "refused", code: "DEPLOY_REFUSED" });
  });

  test.each([
    [[{ passes: "busy" as const }, {}], "DEPLOY_RUNNING", "refused"],
    [[{}, { passes: "busy" as const }], "DEPLOY_RUNNING", "failed"],
    [[{}, { passes: "stale" as const }], "PLAN_STALE", "failed"],
  ])("of which one refuses for a reason that passes may be tried again: %j", async (fates, code, exit) => {
    const { error } = await settled(...fates.map(({ passes }): Fate => (passes === undefined ? {} : { refuses: "not now", passes })));
    expect(error).toMatchObject({
      code,
      exit,
      hint: expect.stringMatching(/^(?:On every host|Nothing was changed on any host): .* Try again.*--wait/),
    });
    expect(isTemporaryError(error)).toBe(true);
  });

  test("undo when one is lost before the decision, which undoes by itself", async () => {
    const { error, said } = await settled({}, { lost: [5, 4] });
    expect(said[0]).toBe("go pulled, go healthy, abort");
    expect(error).toMatchObject({ message: "b: the SSH connection was lost", exit: "failed" });
  });

  test("of which one is lost after the decision have finished when it says so", async () => {
    const { error, events } = await settled({}, { lost: [7, 0] });
    expect(error).toBeUndefined();
    expect(events).toContainEqual({ type: "warning", text: expect.stringContaining("b: the SSH connection was lost") });
  });

  test("of which one undid after the decision differ, and it says which serves what", async () => {
    const { error } = await settled({}, { fails: [7, "no space left"] }, { lost: [7, 5] });
    expect(error).toMatchObject({
      code: "DEPLOY_MIXED",
      exit: "mixed",
      details: ["a: serves r2", "b: r1 serves as before, undone: no space left", "c: interrupted, neither finished nor undone yet"],
      hint: expect.stringContaining("coldtivate recover staging"),
    });
  });
});
