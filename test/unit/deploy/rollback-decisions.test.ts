import { describe, expect, test } from "vitest";
import { commitOf, imageOf, keptHost, type Kept, type KeptHost } from "./kept-host.ts";
import { fakeRegistry, prepareOn } from "./prepare-on.ts";

const r1: Kept = { id: "r1" };
const r2: Kept = { id: "r2" };
const r3: Kept = { id: "r3" };

const rollBack = (hosts: readonly ReturnType<typeof keptHost>[], release?: string) => prepareOn(hosts, { action: "rollback", release });
const alone = (kept: KeptHost, release?: string) => rollBack([keptHost("a", kept)], release);

describe("a host that cannot take a release now refuses the rollback", () => {
  test.each<[string, KeptHost, object]>([
    [
      "locked",
      { locked: "ann from laptop\tmoving" },
      { code: "HOST_LOCKED", message: "a is locked", hint: expect.stringContaining("coldtivate unlock staging") as string },
    ],
    ["at work", { running: "r9 by bob" }, { code: "DEPLOY_RUNNING", details: ["r9 by bob"] }],
    [
      "another user's",
      { stateOfContainers: "/home/bob/.coldtivate/shop-staging" },
      { code: "STATE_ELSEWHERE", details: ["this user's state would be /home/deploy/.coldtivate/shop-staging"] },
    ],
  ])("%s", async (_why, kept, refusal) => {
    await expect(alone({ releases: [r2, r1], ...kept })).rejects.toMatchObject({ exit: "refused", ...refusal });
  });

  test("before any host is looked at for a release", async () => {
    const hosts = [keptHost("a", {}), keptHost("b", { releases: [r2, r1], locked: "ann" })];
    await expect(rollBack(hosts)).rejects.toMatchObject({ code: "HOST_LOCKED", message: "b is locked" });
  });
});

describe("a fleet", () => {
  test("goes back as one: to one release, under one name", async () => {
    const { plan, work } = await rollBack(["a", "b"].map((name) => keptHost(name, { releases: [r2, r1] })));
    expect(plan.release).toEqual({ id: "20261123t050000-11111111", commit: commitOf("1"), rollback: "r1" });
    expect(plan.hosts.map(({ host, expect: from }) => [host, from])).toEqual([
      ["a", "r2"],
      ["b", "r2"],
    ]);
    for (const { plan: own } of work) expect(own.steps.map(({ verb }) => verb)).toContain("barrier");
  });

  test("whose hosts served different releases before is asked for one by name", async () => {
    const hosts = [keptHost("a", { releases: [r3, r2, r1] }), keptHost("b", { releases: [r3, r1] })];
    await expect(rollBack(hosts)).rejects.toMatchObject({
      code: "HOSTS_DIFFER",
      exit: "refused",
      details: ["a: serves r3, and r2 before", "b: serves r3, and r1 before"],
      hint: "Name the release to go back to.",
    });
    const named = ["a", "b"].map((name) => keptHost(name, { releases: name === "a" ? [r3, r2, r1] : [r3, r1], sends: "r1" }));
    expect((await rollBack(named, "r1")).plan.release).toMatchObject({ rollback: "r1" });
  });

  test("with a host on which nothing serves says so", async () => {
    const hosts = [keptHost("a", { releases: [r3, r2] }), keptHost("b", { releases: [r1], current: "", sends: "r1" })];
    await expect(rollBack(hosts)).rejects.toMatchObject({
      code: "HOSTS_DIFFER",
      details: ["a: serves r3, and r2 before", "b: serves nothing, and r1 before"],
    });
  });

  test("needs the named release on every host", async () => {
    const hosts = [keptHost("a", { releases: [r3, r1], sends: "r1" }), keptHost("b", { releases: [r3, r2] })];
    await expect(rollBack(hosts, "r1")).rejects.toMatchObject({
      code: "RELEASE_UNKNOWN",
      exit: "usage",
      message: expect.stringMatching(/^b does not keep a release r1/) as string,
    });
  });

  test("whose hosts serve different releases is brought to the named one, each from its own", async () => {
    const hosts = [keptHost("a", { releases: [r3, r1], sends: "r1" }), keptHost("b", { releases: [r2, r1], sends: "r1" })];
    const { plan } = await rollBack(hosts, "r1");
    expect(plan.hosts.map(({ expect: from }) => from)).toEqual(["r3", "r2"]);
  });

  test("records the release on a host, too, that runs it already", async () => {
    const hosts = [keptHost("a", { releases: [r2, r1], sends: "r1" }), keptHost("b", { releases: [r1], sends: "r1" })];
    const { plan, work } = await rollBack(hosts, "r1");
    const verbs = plan.hosts.map(({ steps }) => new Set(steps.map(({ verb }) => verb)));
    expect(verbs.map((of) => of.has("recreate"))).toEqual([true, false]);
    expect(verbs.map((of) => of.has("commit"))).toEqual([true, true]);
    expect(work.map(({ entries }) => entries.length > 0)).toEqual([true, true]);
  });

  test("tells all images that are gone, of every host", async () => {
    const hosts = ["a", "b"].map((name) => keptHost(name, { releases: [r2, r1], images: [imageOf("2")] }));
    await expect(prepareOn(hosts, { action: "rollback" }, fakeRegistry().open)).rejects.toMatchObject({
      code: "IMAGES_GONE",
      message: "images of release r1 are gone, from the host and from the registry",
      details: [`a: ${imageOf("1")}`, `b: ${imageOf("1")}`],
    });
  });
});

test("without hosts, there is nothing to go back on", async () => {
  await expect(rollBack([])).rejects.toThrow("an environment without a host");
});

describe("an irreversible release", () => {
  const irreversible: Kept = { ...r2, isIrreversible: true };
  const refusal = {
    code: "IRREVERSIBLE",
    exit: "refused",
    message: "a cannot go back past r2",
    details: ["release r2, commit 22222222, was declared irreversible"],
    hint: "Correct what is wrong in a new commit, and deploy that.",
  };

  test("that serves is not left", async () => {
    await expect(alone({ releases: [irreversible, r1] })).rejects.toMatchObject(refusal);
  });

  test("is gone back to, and not past", async () => {
    const releases = [r3, irreversible, r1];
    expect((await alone({ releases })).plan.release).toMatchObject({ rollback: "r2" });
    await expect(alone({ releases, sends: "r1" }, "r1")).rejects.toMatchObject(refusal);
  });

  test("is in the way by the order in which releases served, whatever their ids say", async () => {
    const releases = [{ id: "r0" }, irreversible, { id: "r9" }];
    await expect(alone({ releases, sends: "r9" }, "r9")).rejects.toMatchObject(refusal);
  });

  test("on one host is in the way of all", async () => {
    const hosts = [keptHost("b", { releases: [r3, r1], sends: "r1" }), keptHost("a", { releases: [r3, irreversible, r1], sends: "r1" })];
    await expect(rollBack(hosts, "r1")).rejects.toMatchObject(refusal);
  });

  test("each of several is named", async () => {
    const releases = [{ ...r3, isIrreversible: true }, irreversible, r1];
    await expect(alone({ releases, sends: "r1" }, "r1")).rejects.toMatchObject({
      code: "IRREVERSIBLE",
      message: "a cannot go back past r3, r2",
    });
  });

  test("that is gone back to does not make the repetition one", async () => {
    const { work } = await alone({ releases: [r3, irreversible, r1] });
    const entries = new Map(work[0]?.entries.map(({ path, content }) => [path, String(content)]));
    expect(entries.has("irreversible")).toBe(false);
    expect(JSON.parse(entries.get("manifest.json") ?? "")).toMatchObject({ id: "20261123t050000-22222222", rollback: "r2" });
    expect(entries.get("manifest.json")).not.toMatch(/irreversible/);
  });
});

describe("the same release again", () => {
  test("changes nothing, and sends nothing", async () => {
    const { plan, work } = await alone({ releases: [r2, r1], sends: "r2" }, "r2");
    expect(plan.hosts[0]?.steps).toEqual([]);
    expect(work[0]?.entries).toEqual([]);
    expect(plan.hosts[0]?.services).toMatchObject([{ service: "web", change: "keep" }]);
  });
});

test("what a rollback went back to is what a rollback to it goes back to", async () => {
  const back: Kept = { id: "r3", commit: commitOf("1"), definition: "definition of r1", image: imageOf("1"), repeats: "r1" };
  const { plan, work } = await alone({ releases: [{ id: "r4" }, back, r2, r1] });
  expect(plan.release).toEqual({ id: "20261123t050000-11111111", commit: commitOf("1"), rollback: "r1" });
  const entries = new Map(work[0]?.entries.map(({ path, content }) => [path, String(content)]));
  expect(JSON.parse(entries.get("plan.json") ?? "")).toMatchObject({ again: "rollback", target: "r1" });
});

test("the branch or tag of the release that is gone back to is kept", async () => {
  expect((await alone({ releases: [r2, { ...r1, ref: "v1.0.0" }] })).plan.release).toMatchObject({ ref: "v1.0.0" });
});

test("an external network that is gone refuses a rollback, too, and says how to make it", async () => {
  const model = {
    name: "shop-staging",
    services: { web: { image: imageOf("1"), networks: { proxy: null } } },
    networks: { proxy: { name: "proxy", external: true } },
  };
  const fields = { "kept/compose.json": JSON.stringify(model), elsewhere: `network\tbridge\t1\n${"all\n".repeat(4)}` };
  const prepared = alone({ releases: [r2, r1], fields });
  await expect(prepared).rejects.toMatchObject({
    code: "EXTERNAL_MISSING",
    exit: "refused",
    hint: expect.stringContaining("docker network create proxy") as string,
  });
});
