import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openRepository } from "../../../src/lib/adapters/git/git.ts";
import { createRepository } from "./git-repository.ts";

const odd = `it's "a" $HOME\`x\` \\ \nname`;

test("inputs are read as Git has them, whatever the paths are called", async () => {
  using clone = createRepository();
  const commit = clone.commit({ [`app/${odd}`]: "1", "app/-v": "2", "other/file": "3", ".gitignore": "*.tmp\n" });
  clone.write("app/new", "4");
  clone.write(`app/${odd}.tmp`, "5");
  const repository = await openRepository(clone.directory);
  const { entries, dirty, ignored } = await repository.readInputs(commit, ["app", `app/${odd}`]);
  expect(entries.map(({ path }) => path)).toEqual(["app/-v", `app/${odd}`]);
  expect(dirty).toEqual(["app/new"]);
  expect(ignored).toEqual([`app/${odd}.tmp`]);
});

test("inputs as of a commit that does not exist are an error, in Git's own words", async () => {
  using clone = createRepository();
  clone.commit({ "app/file": "1" });
  const repository = await openRepository(clone.directory);
  await expect(repository.readInputs("nowhere", ["app"])).rejects.toMatchObject({
    code: "GIT_FAILED",
    details: [expect.stringContaining("nowhere")],
  });
});

test("each of many groups of paths has a last commit of its own", async () => {
  using clone = createRepository();
  const names = Array.from({ length: 25 }, (_, index) => `app/${index} ${odd}`);
  const commits = names.map((name) => clone.commit({ [name]: name }));
  const repository = await openRepository(clone.directory);
  const found = await repository.lastCommits(
    names.map((name) => [name]),
    commits.at(-1)!,
  );
  expect(found.map(({ commit }) => commit)).toEqual(commits);
  await expect(repository.lastCommits([["app"]], "nowhere")).rejects.toMatchObject({ code: "GIT_FAILED" });
});

test("what git leaves behind does not hold up the answers", async () => {
  using clone = createRepository();
  const commit = clone.commit({ "app/file": "1", hook: "#!/bin/sh\nsleep 3600 >/dev/null 2>&1 &\necho $! >>.git/left\n" });
  chmodSync(join(clone.directory, "hook"), 0o755);
  clone.git("config", "core.fsmonitor", join(clone.directory, "hook"));
  clone.git("config", "core.fsmonitorHookVersion", "1");
  const repository = await openRepository(clone.directory);
  await repository.readInputs(commit, ["app"]);
  const left = readFileSync(join(clone.directory, ".git", "left"), "utf8")
    .trim()
    .split("\n");
  // They still run.
  for (const id of left) process.kill(Number(id));
});
