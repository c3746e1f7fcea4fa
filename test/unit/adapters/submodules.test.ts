import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { describeUnreadable } from "../../../src/lib/adapters/git/submodule-error.ts";
import { fetchSubmodules } from "../../../src/lib/adapters/git/submodules.ts";
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

test("one that was not there comes without its past, at a commit that no branch ends with; one that was keeps its own", async () => {
  using world = setUp();
  using clone = cloneRepository(world.origin.directory);
  await fetchSubmodules(clone.directory, ["part"]);
  expect(clone.git("-C", "part", "rev-parse", "--is-shallow-repository")).toBe("true");
  expect(clone.git("-C", "part", "rev-list", "--count", "HEAD")).toBe("1");

  using other = cloneRepository(world.origin.directory);
  other.git("submodule", "--quiet", "update", "--init");
  other.git("-C", "part", "checkout", "--quiet", "--detach", "origin/main");
  expect(await fetchSubmodules(other.directory, ["part"])).toEqual(["part"]);
  expect(other.git("-C", "part", "rev-parse", "--is-shallow-repository")).toBe("false");
});

describe("what is missing is said", () => {
  const said = (url: string, ...lines: string[]) => [
    ...lines,
    `fatal: clone of '${url}' into submodule path '/builds/backend/part' failed`,
  ];
  const https = "https://gitlab-ci-token:glcbt-secret@gitlab.example.com/group/part.git";

  test.each([
    [
      "to a job's token",
      said(https, "remote: The project you were looking for could not be found or you don't have permission to view it."),
      true,
      ["token may not read group/part", "Job token permissions"],
    ],
    [
      "to a person",
      said(https, "fatal: Authentication failed for 'https://gitlab.example.com/group/part.git/'"),
      false,
      ["group/part", "Reporter"],
    ],
    [
      "to a key",
      said("git@gitlab.example.com:group/part.git", "git@gitlab.example.com: Permission denied (publickey)."),
      false,
      ["The key may not read group/part", "deploy key", "build.ssh_key"],
    ],
    ["of the commit", said(https, "error: Server does not allow request for unadvertised object 12ab"), true, ["is not in group/part"]],
    ["of the server", said(https, "fatal: unable to access: Could not resolve host: gitlab.example.com"), true, ["cannot be reached"]],
  ])("%s", (_name, lines, isJob, says) => {
    const error = describeUnreadable(lines, ["part"], isJob, undefined);
    for (const words of says) expect(error.hint).toContain(words);
    expect(error.message).toContain("the submodule part (");
    expect([error.message, error.hint, ...error.details].join("\n")).not.toContain("glcbt-secret");
  });
});
