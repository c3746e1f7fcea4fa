import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fetchSubmodules } from "../../../src/lib/adapters/submodules.ts";
import { cloneRepository, createRepository } from "./git-repository.ts";

beforeEach(() => {
  vi.stubEnv("GIT_CONFIG_COUNT", "1");
  vi.stubEnv("GIT_CONFIG_KEY_0", "protocol.file.allow");
  vi.stubEnv("GIT_CONFIG_VALUE_0", "always");
});
afterEach(() => vi.unstubAllEnvs());

/** A repository with a submodule that has a submodule of its own; both have moved on since they were pinned. */
function setUp() {
  const inner = createRepository();
  inner.commit({ deep: "1" });
  const part = createRepository();
  part.commit({ file: "1" });
  part.git("submodule", "--quiet", "add", `file://${inner.directory}`, "inner");
  const pinned = part.commit({});
  const origin = createRepository();
  origin.git("submodule", "--quiet", "add", `file://${part.directory}`, "part");
  origin.commit({ a: "1" });
  part.commit({ file: "2" });
  inner.commit({ deep: "2" });
  const dispose = () => [inner, part, origin].forEach((each) => each[Symbol.dispose]());
  return { part, origin, pinned, [Symbol.dispose]: dispose };
}

test("the pinned commits are fetched, recursively, and only where they are not there", async () => {
  using world = setUp();
  using clone = cloneRepository(world.origin.directory);
  expect(await fetchSubmodules(clone.directory, ["part"])).toEqual(["part"]);
  expect(clone.git("-C", "part", "rev-parse", "HEAD")).toBe(world.pinned);
  expect(existsSync(join(clone.directory, "part/inner/deep"))).toBe(true);
  expect(await fetchSubmodules(clone.directory, ["part"])).toEqual([]);
  expect(await fetchSubmodules(clone.directory, [])).toEqual([]);
});

test("a submodule that somebody works in is left alone; one that merely lags behind is not", async () => {
  using world = setUp();
  using clone = cloneRepository(world.origin.directory);
  await fetchSubmodules(clone.directory, ["part"]);
  clone.git("-C", "part", "checkout", "--quiet", "--detach", "origin/main");
  expect(await fetchSubmodules(clone.directory, ["part"])).toEqual(["part"]);
  expect(clone.git("-C", "part", "rev-parse", "HEAD")).toBe(world.pinned);
  clone.git("-C", "part", "checkout", "--quiet", "-B", "work", "origin/main");
  expect(await fetchSubmodules(clone.directory, ["part"])).toEqual([]);
  expect(clone.git("-C", "part", "symbolic-ref", "--short", "HEAD")).toBe("work");
});

test("one that cannot be read is named, with what git said and what is missing", async () => {
  using world = setUp();
  using clone = cloneRepository(world.origin.directory);
  clone.git("submodule", "init");
  clone.git("config", "submodule.part.url", "file:///nowhere/part.git");
  await expect(fetchSubmodules(clone.directory, ["part"])).rejects.toMatchObject({
    code: "SUBMODULE_UNREADABLE",
    exit: "refused",
    message: "the submodule part (file:///nowhere/part.git) cannot be read",
    hint: expect.stringContaining("read access"),
  });
});
