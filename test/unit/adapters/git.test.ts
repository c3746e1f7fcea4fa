import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openRepository } from "../../../src/lib/adapters/git/git.ts";
import { cloneRepository, createRepository } from "./git-repository.ts";

test("refs, annotated tags and abbreviated commits resolve to full commits, and nothing else does", async () => {
  using origin = createRepository();
  const first = origin.commit({ a: "1" });
  origin.git("tag", "-a", "v1.0.0", "-m", "one");
  origin.git("tag", "light");
  const second = origin.commit({ a: "2" });
  origin.git("branch", "feature/x");
  const repository = await openRepository(origin.directory);

  expect(await repository.head()).toBe(second);
  expect(repository.checkedOut).toEqual({ commit: second, branch: "main" });
  expect(await repository.resolve("v1.0.0")).toBe(first);
  expect(await repository.resolveTag("v1.0.0")).toBe(first);
  expect(await repository.resolveTag("main")).toBeUndefined();
  expect(await repository.resolve(first.slice(0, 8))).toBe(first);
  expect(await repository.resolve("feature/x")).toBe(second);
  expect(await repository.resolve("nope")).toBeUndefined();
  expect(await repository.resolve("--all")).toBeUndefined();
  expect(await repository.resolve("")).toBeUndefined();
  expect((await repository.tagsAt(first)).toSorted()).toEqual(["light", "v1.0.0"]);
  expect(await repository.tagsAt(second)).toEqual([]);
});

test("a detached clone knows branches by their origin copy only", async () => {
  using origin = createRepository();
  const first = origin.commit({ a: "1" });
  origin.git("switch", "--quiet", "-c", "feature/y");
  const aside = origin.commit({ b: "1" });
  origin.git("switch", "--quiet", "main");
  const second = origin.commit({ a: "2" });
  using clone = cloneRepository(origin.directory);
  clone.git("checkout", "--quiet", "--detach", second);
  clone.git("branch", "--delete", "--force", "main");
  const repository = await openRepository(clone.directory);

  expect(repository.checkedOut).toEqual({ commit: second });
  expect(await repository.resolve("main")).toBe(second);
  expect(await repository.isReachableFrom(first, ["main"])).toBe(true);
  expect(await repository.isReachableFrom(aside, ["main"])).toBe(false);
  expect(await repository.isReachableFrom(aside, ["main", "feature/*"])).toBe(true);
  expect(await repository.isAncestor(first, second)).toBe(true);
  expect(await repository.isAncestor(second, first)).toBe(false);
  expect(await repository.isAncestor("0".repeat(40), first)).toBeUndefined();
});

test("a shallow clone is deepened as far as the last commit of a path needs, and no further", async () => {
  using origin = createRepository();
  const first = origin.commit({ "early/file": "1" });
  for (let index = 0; index < 120; index++) origin.commit({ noise: `${index}` });
  const touched = origin.commit({ "late/file": "1" });
  for (let index = 0; index < 60; index++) origin.commit({ noise: `${index} again` });
  using clone = cloneRepository(origin.directory, "--depth=1");
  const repository = await openRepository(clone.directory);
  const head = (await repository.head()) ?? "";
  expect(await repository.isShallow()).toBe(true);

  const both = await repository.lastCommits([["late"], ["late/file"]], head);
  expect(both).toMatchObject([{ commit: touched }, { commit: touched }]);
  expect(await repository.isShallow()).toBe(true);
  expect((await repository.lastCommits([["noise"]], head))[0]).toMatchObject({ commit: head });
  expect((await repository.lastCommits([["early"]], head))[0]).toMatchObject({ commit: first });
  expect((await repository.lastCommits([["nothing-here"]], head))[0]).toEqual({ reason: "no commit has touched it" });
});

test("reachability deepens a shallow clone too", async () => {
  using origin = createRepository();
  const first = origin.commit({ a: "1" });
  origin.git("tag", "v1");
  for (let index = 0; index < 70; index++) origin.commit({ noise: `${index}` });
  using clone = cloneRepository(origin.directory, "--depth=2");
  clone.git("fetch", "--quiet", "--depth=1", "origin", "refs/tags/v1:refs/tags/v1");
  const repository = await openRepository(clone.directory);
  const head = (await repository.head()) ?? "";

  expect(await repository.isReachableFrom(first, ["main"])).toBe(true);
  expect(await repository.isAncestor(first, head)).toBe(true);
});

test("ancestry is told as far as a shallow clone has it, without fetching", async () => {
  using origin = createRepository();
  const first = origin.commit({ a: "1" });
  origin.git("tag", "v1");
  const second = origin.commit({ a: "2" });
  const third = origin.commit({ a: "3" });
  using clone = cloneRepository(origin.directory, "--depth=2");
  clone.git("fetch", "--quiet", "--depth=1", "origin", "refs/tags/v1:refs/tags/v1");
  const repository = await openRepository(clone.directory);

  expect(await repository.isAncestor(second, third)).toBe(true);
  expect(await repository.isAncestor(third, second)).toBe(false);
  expect(await repository.isAncestor(first, third)).toBeUndefined();
  expect(await repository.isAncestor(second, "0".repeat(40))).toBeUndefined();
  expect(await repository.isShallow()).toBe(true);
  expect(await repository.timeOf(third)).toEqual(new Date(Number(clone.git("show", "-s", "--format=%ct", third)) * 1000));
  expect(await repository.timeOf("0".repeat(40))).toBeUndefined();
});

test("a shallow clone whose remote is gone gives a reason in place of a wrong commit", async () => {
  using origin = createRepository();
  origin.commit({ a: "1" });
  origin.commit({ b: "1" });
  using clone = cloneRepository(origin.directory, "--depth=1");
  clone.git("remote", "set-url", "origin", "file:///nowhere");
  const repository = await openRepository(clone.directory);

  expect((await repository.lastCommits([["a"]], (await repository.head()) ?? ""))[0]).toHaveProperty("reason");
});

test("dirty paths are modified and untracked files, without what .gitignore names", async () => {
  using origin = createRepository();
  origin.commit({ ".gitignore": "*.log\n", "app/kept": "1", "app/changed": "1", "other/file": "1" });
  origin.write("app/changed", "2");
  origin.write("app/new name", "1");
  origin.write("app/debug.log", "1");
  origin.write("other/file", "2");
  const repository = await openRepository(origin.directory);

  expect(await repository.dirtyPaths(["app"])).toEqual(["app/changed", "app/new name"]);
  expect(await repository.dirtyPaths(["."])).toEqual(["app/changed", "app/new name", "other/file"]);
  expect(await (await openRepository(join(origin.directory, "app"))).dirtyPaths([".", "../other"])).toEqual([
    "../other/file",
    "changed",
    "new name",
  ]);
});

test("submodules: pinned commit, dirty files inside, and history by the commit that moved the pin", async () => {
  using part = createRepository();
  const pinned = part.commit({ "src/file": "1" });
  using origin = createRepository();
  origin.commit({ a: "1" });
  origin.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", `file://${part.directory}`, "part");
  const moved = origin.commit({});
  const head = origin.commit({ a: "2" });
  const repository = await openRepository(origin.directory);

  expect(await repository.submodules(head)).toEqual([{ name: "part", path: "part", url: `file://${part.directory}`, commit: pinned }]);
  expect((await repository.lastCommits([["part"]], head))[0]).toMatchObject({ commit: moved });
  expect((await repository.lastCommits([["part/src"]], head))[0]).toMatchObject({ commit: moved });
  expect(await repository.dirtyPaths(["part"])).toEqual([]);
  origin.write("part/src/file", "2");
  origin.write("part/new", "1");
  expect(await repository.dirtyPaths(["part"])).toEqual(["part/new", "part/src/file"]);
  expect(await repository.dirtyPaths(["part/src"])).toEqual(["part/src/file"]);
});

test("files are read as of a commit, relative to the folder that was opened", async () => {
  using origin = createRepository();
  const first = origin.commit({ "app/compose.yml": "one\0", "app/é b": "2", top: "t" });
  origin.write("app/compose.yml", "changed");
  const repository = await openRepository(join(origin.directory, "app"));

  expect(await repository.readFile(first, "compose.yml")).toEqual(Buffer.from("one\0"));
  expect(await repository.readFile(first, "../top")).toEqual(Buffer.from("t"));
  expect(await repository.readFile(first, "missing")).toBeUndefined();
  // All at once, with names that are no file, or that look like an answer.
  const paths = ["é b", ".", "missing", "missing blob 3", "a\nb", "compose.yml", "../top"];
  const contents = await Promise.all(paths.map((path) => repository.readFile(first, path)));
  expect(contents.map((content) => content?.toString())).toEqual(["2", undefined, undefined, undefined, undefined, "one\0", "t"]);
  expect((await repository.listFiles(first, ".")).map(({ path, mode, type }) => `${mode} ${type} ${path}`)).toEqual([
    "100644 blob compose.yml",
    "100644 blob é b",
  ]);
});

test("a folder that is no clone is an error that says so", async () => {
  const directory = mkdtempSync(join(tmpdir(), "coldtivate-none-"));
  await expect(openRepository(directory)).rejects.toMatchObject({ code: "NOT_A_REPOSITORY", exit: "usage" });
  rmSync(directory, { recursive: true });
});

test("no git, and a repository of somebody else, are errors of their own", async () => {
  const directory = mkdtempSync(join(tmpdir(), "coldtivate-fake-"));
  mkdirSync(join(directory, "bin"));
  const path = process.env["PATH"];
  try {
    process.env["PATH"] = join(directory, "bin");
    await expect(openRepository(directory)).rejects.toMatchObject({ code: "GIT_MISSING" });
    const fake = "#!/bin/sh\necho \"fatal: detected dubious ownership in repository at '/x'\" >&2\nexit 128\n";
    writeFileSync(join(directory, "bin/git"), fake, { mode: 0o755 });
    await expect(openRepository(directory)).rejects.toMatchObject({ code: "GIT_UNTRUSTED", exit: "refused" });
  } finally {
    process.env["PATH"] = path;
    rmSync(directory, { recursive: true });
  }
});

test("what changed between two commits is told of commits alone: words of others can be options of Git's", async () => {
  using origin = createRepository();
  const first = origin.commit({ a: "1", b: "1" });
  const second = origin.commit({ a: "2" });
  const repository = await openRepository(origin.directory);
  expect(await repository.changedPaths(first, second, ["."])).toEqual(["a"]);
  const path = join(origin.directory, "written");
  expect(await repository.changedPaths(`--output=${path}`, second, ["."])).toBeUndefined();
  expect(await repository.changedPaths(first, "main", ["."])).toBeUndefined();
  expect(existsSync(path)).toBe(false);
});
