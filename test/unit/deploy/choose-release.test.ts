import { describe, expect, test } from "vitest";
import { observeHost, packQuestion } from "../../../src/lib/adapters/host/host.ts";
import { chooseRelease } from "../../../src/lib/deploy/prepare/choose-release.ts";
import { commitOf, frontImageOf, imageOf, keptHost, type Kept, type KeptHost } from "./kept-host.ts";

const { signal } = new AbortController();

/** What is chosen on a host, and which releases it was asked for beside its first answer. */
async function choose(kept: KeptHost, release?: string) {
  const { connection, asked } = keptHost("a", kept);
  const state = await observeHost(connection, "shop-staging", await packQuestion([]));
  const choice = { connection, state, environment: "staging", project: "shop-staging", release };
  return { chosen: await chooseRelease(choice, signal), asked };
}

const chosenId = async (kept: KeptHost) => (await choose(kept)).chosen.manifest.id;
const r1: Kept = { id: "r1" };
const r2: Kept = { id: "r2" };
const r3: Kept = { id: "r3" };

describe("without a wish, a host goes back to", () => {
  test("the release that served before, whose files came with its answer", async () => {
    const { chosen, asked } = await choose({ releases: [r3, r2, r1] });
    expect(chosen.manifest.id).toBe("r2");
    expect(chosen.kept.model.services).toEqual({ web: { image: chosen.manifest.services["web"]?.image } });
    expect(asked).toEqual([]);
  });

  test("an earlier one where that one differs only in its fronts", async () => {
    const [before, fronts] = [
      { ...r2, front: frontImageOf("a") },
      { ...r2, id: "r3", front: frontImageOf("b") },
    ];
    const same = { commit: commitOf("2"), definition: "of both", image: imageOf("2") };
    const { chosen, asked } = await choose({ releases: [{ ...fronts, ...same }, { ...before, ...same }, r1] });
    expect(chosen.manifest.id).toBe("r1");
    expect(asked).toEqual(["r1"]);
  });

  test("the same commit with other settings", async () => {
    expect(await chosenId({ releases: [{ ...r2, commit: commitOf("1") }, r1] })).toBe("r1");
  });

  test("another commit that changed no service", async () => {
    const same = { definition: "of both", image: imageOf("2") };
    expect(
      await chosenId({
        releases: [
          { ...r2, ...same },
          { ...r1, ...same },
        ],
      }),
    ).toBe("r1");
  });

  test("what a rollback left, which undoes it", async () => {
    const back: Kept = { ...r1, id: "r3", repeats: "r1", commit: commitOf("1"), definition: "definition of r1" };
    expect(await chosenId({ releases: [back, r2, r1] })).toBe("r2");
  });

  test("the last that served where none serves", async () => {
    expect(await chosenId({ releases: [r2, r1], current: "", sends: "r2" })).toBe("r2");
  });
});

describe("there is none to go back to", () => {
  test("where the first release serves", async () => {
    await expect(choose({ releases: [r1] })).rejects.toMatchObject({
      code: "NO_EARLIER_RELEASE",
      exit: "refused",
      message: "a has no release to go back to",
      details: ["r1 serves, and none that is kept differs from it"],
      hint: "What was deployed: coldtivate history staging",
    });
  });

  test("where nothing was deployed", async () => {
    await expect(choose({})).rejects.toMatchObject({ code: "NO_EARLIER_RELEASE", details: ["no release serves there"] });
  });

  test("where all that are kept are the same release", async () => {
    const same = { commit: commitOf("1"), definition: "of both", image: imageOf("1") };
    await expect(
      choose({
        releases: [
          { ...r2, ...same },
          { ...r1, ...same },
        ],
      }),
    ).rejects.toMatchObject({ code: "NO_EARLIER_RELEASE" });
  });
});

describe("a release that is asked for", () => {
  test("is taken, however long ago it served, and even if it is the one that serves", async () => {
    expect((await choose({ releases: [r3, r2, r1], sends: "r1" }, "r1")).chosen.manifest.id).toBe("r1");
    expect((await choose({ releases: [r3, r2, r1], sends: "r3" }, "r3")).chosen.manifest.id).toBe("r3");
  });

  test("and is not kept is told with those that are, the last that served first", async () => {
    const back: Kept = { id: "20261123t101500-11111111", commit: commitOf("1"), repeats: "20261123t093000-11111111" };
    const first: Kept = { id: "20261123t093000-11111111", commit: commitOf("1"), ref: "v1.0.0" };
    await expect(choose({ releases: [back, first] }, "20261123t093000-11111112")).rejects.toMatchObject({
      code: "RELEASE_UNKNOWN",
      exit: "usage",
      message: expect.stringMatching(
        /^a does not keep a release 20261123t093000-11111112.*did you mean.*20261123t093000-11111111/i,
      ) as string,
      details: [
        "it keeps these, the last one that served first:",
        "20261123t101500-11111111  11111111, back to 20261123t093000-11111111  (serves now)",
        "20261123t093000-11111111  11111111 v1.0.0",
      ],
      hint: "What was deployed: coldtivate history staging",
    });
  });

  test("is unknown where none is kept", async () => {
    await expect(choose({}, "r1")).rejects.toMatchObject({ code: "RELEASE_UNKNOWN", details: ["it keeps none"] });
  });
});

describe("a release cannot be read", () => {
  const gone = { code: "RELEASE_INCOMPLETE", exit: "refused", message: "a: release r1 cannot be read" };

  test("if its manifest is damaged, or none that this version knows", async () => {
    for (const manifest of ["", "{", '{"version":2}']) {
      const releases = [r2, { ...r1, manifest }];
      await expect(choose({ releases }, "r1")).rejects.toMatchObject({
        ...gone,
        hint: expect.stringContaining("deploy its commit again") as string,
      });
      await expect(choose({ releases })).rejects.toMatchObject(gone);
    }
  });

  test("if its files are those of another", async () => {
    await expect(choose({ releases: [r3, r2, r1], sends: "r2" }, "r1")).rejects.toMatchObject(gone);
  });

  test("if the host cannot show it, in its words", async () => {
    const releases = [{ ...r3, definition: "x", commit: commitOf("2") }, { ...r2, definition: "x" }, r1];
    await expect(choose({ releases, unreadable: "its folder is empty\n" })).rejects.toMatchObject({
      ...gone,
      details: ["its folder is empty"],
    });
  });
});
