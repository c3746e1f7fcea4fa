import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { git } from "../../../src/lib/adapters/git/git-run.ts";
import { askInTurn, askTogether } from "../../../src/lib/adapters/git/git-together.ts";
import { createRepository } from "./git-repository.ts";

const odd = `it's "a" $HOME\`x\` \\ \nname`;

test("what is asked together is what git itself says, whatever the paths are called", async () => {
  using repository = createRepository();
  const commit = repository.commit({ [`app/${odd}`]: "1", "app/-v": "2", "other/file": "3" });
  repository.write("app/new", "4");
  const paths = ["app", `app/${odd}`];
  const questions = [
    ["ls-tree", "-r", "-z", commit],
    ["status", "--porcelain=v2", "-z"],
  ];
  const index = ["ls-files", "-z"];
  const likely = [{ args: index, aboutPaths: false }, ...questions.map((args) => ({ args, aboutPaths: true }))];
  const ask = askTogether(repository.directory, likely, paths);
  for (const args of [index, ...questions.map((each) => [...each, "--", ...paths])]) {
    expect(await ask(repository.directory, args)).toBe(await git(repository.directory, args));
  }
});

test("what was not foreseen, or went wrong, is asked of git itself", async () => {
  using repository = createRepository();
  const commit = repository.commit({ "app/file": "1" });
  const ask = askTogether(repository.directory, [{ args: ["ls-tree", "-r", "nowhere"], aboutPaths: true }], ["app"]);
  expect(await ask(repository.directory, ["rev-parse", "HEAD"])).toBe(`${commit}\n`);
  await expect(ask(repository.directory, ["ls-tree", "-r", "nowhere", "--", "app"])).rejects.toMatchObject({
    code: "GIT_FAILED",
    details: [expect.stringContaining("nowhere")],
  });
});

test("what is asked in turn has its own answer each, of many as of few", async () => {
  using repository = createRepository();
  const names = Array.from({ length: 25 }, (_, index) => `app/${index} ${odd}`);
  for (const name of names) repository.commit({ [name]: name }, `adds ${name.length} ${names.indexOf(name)}`);
  const questions = names.map((name) => ["log", "-1", "--format=%s", "--", name]);
  const ask = askInTurn(repository.directory, [...questions, ["log", "-1", "nowhere"]]);
  for (const args of questions) expect(await ask(repository.directory, args)).toBe(await git(repository.directory, args));
  await expect(ask(repository.directory, ["log", "-1", "nowhere"])).rejects.toMatchObject({ code: "GIT_FAILED" });
});

test("what git leaves behind does not hold up the answers", async () => {
  using repository = createRepository();
  repository.commit({ "app/file": "1", hook: "#!/bin/sh\nsleep 20 >/dev/null 2>&1 &\necho $! >>.git/left\n" });
  chmodSync(join(repository.directory, "hook"), 0o755);
  repository.git("config", "core.fsmonitor", join(repository.directory, "hook"));
  repository.git("config", "core.fsmonitorHookVersion", "1");
  const args = ["status", "--porcelain=v2", "-z"];
  const began = performance.now();
  await askTogether(repository.directory, [{ args, aboutPaths: true }], ["app"])(repository.directory, [...args, "--", "app"]);
  expect(performance.now() - began).toBeLessThan(10_000);
  const left = readFileSync(join(repository.directory, ".git", "left"), "utf8")
    .trim()
    .split("\n");
  for (const id of left) process.kill(Number(id));
});
