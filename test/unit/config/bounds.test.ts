import { rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createProject, minimal } from "./project.ts";

// Each of these took minutes, gigabytes, or the whole stack: that they end is what they show.

const laughs = [
  "l0: &l0 [x, x, x, x, x, x, x, x]",
  ...Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(8)}]`),
];

test.each([
  ["aliases of aliases", `${laughs.join("\n")}\n`, /stands? for more than \d+ values/],
  ["braces as keys of braces", `${"{".repeat(800)}${"}".repeat(800)}`, /nested more than \d+ levels deep/],
  ["a few braces as keys of braces", `${minimal}x: ${"{".repeat(12)}"\\\\": a${"}".repeat(12)}\n`, /a key is plain text/],
  ["brackets without an end", "[".repeat(100_000), /nested more than \d+ levels deep/],
  ["brackets without a beginning", "]".repeat(100_000), /coldtivate\.yml:1:1 /],
  ["lists in lists", `x: ${"- ".repeat(20_000)}`, /nested more than|coldtivate\.yml:1:/],
  ["keys without an end", "? ".repeat(100_000), /nested more than \d+ levels deep/],
  ["as many mistakes as words", "&a ".repeat(16_000), /coldtivate\.yml:1:/],
  ["more than anybody writes", `${minimal}# ${"x".repeat(300_000)}\n`, /longer than \d+ characters/],
  ["more words than anybody writes", `${minimal}x: [${"a,".repeat(60_000)}]\n`, /more than \d+ words and signs/],
  ["an alias within its own anchor", `${minimal}tasks: &t [*t, *t]\n`, /the alias \*t stands for something that it is part of/],
  ["an alias without an anchor", `${minimal}build: *none\n`, /the alias \*none stands for nothing/],
  ["an alias without an anchor, as a key", `${minimal}build: { *none : 1 }\n`, /the alias \*none stands for nothing|a key is plain text/],
  ["a key of a kind that nobody can read", `${minimal}build: { ? { *none : 1 } : 1 }\n`, /stands for nothing|a key is plain text/],
  ["a key that is a page long", `${minimal}${"k".repeat(500)}: 1\n`, /a key is at most \d+ characters long/],
  ["a long text, many times", `${minimal}x: [&x "${"x".repeat(100_000)}"${", *x".repeat(200)}]\n`, /stands? for more than/],
  ["references in references", minimal.replace("main", `"${"${A:-".repeat(5000)}${"}".repeat(5000)}"`), /nested too deep/],
  ["references without an end", minimal.replace("main", `"${"${".repeat(50_000)}"`), /a \$\{ has no closing \}/],
  ["a name that every object has", minimal.replace("web:", "__proto__:"), /images\.__proto__: this name cannot be used/],
])("%s: refused with its place", async (_what, config, told) => {
  await using project = await createProject(config);
  expect((await project.problems({ environment: "staging" })).join("\n")).toMatch(told);
});

test("what one variable holds does not come out a thousand times as long", async () => {
  await using project = await createProject(minimal.replace("main", `"${"${A}".repeat(2000)}"`));
  expect((await project.problems({ environment: "staging", env: { A: "a".repeat(50_000) } })).join("\n")).toContain("stands for more than");
});

test.each(["__proto__", "constructor", "toString", "hasOwnProperty"])("the variable %s is one that is not set", async (name) => {
  await using project = await createProject(minimal.replace("user: deploy", `user: deploy, private_key: { env: ${name} }`));
  expect(await project.problems({ environment: "staging" })).toEqual([expect.stringContaining(`the variable ${name} is not set`)]);
  await project.write("coldtivate.yml", minimal.replace("main", `"\${${name}}"`));
  expect(await project.problems({ environment: "staging" })).toEqual([expect.stringContaining(`the variable ${name} is not set`)]);
});

test.each(["docker-compose.yml", "Web/.dockerignore", "coldtivate.yml", ".gitmodules", "dotenv"])(
  "a device in the place of %s is not read for ever",
  async (path) => {
    await using project = await createProject(minimal.replace("user: deploy", "user: deploy, dotenv: { file: dotenv }"));
    await project.write("dotenv", "A=1\n");
    await rm(join(project.directory, path), { force: true });
    await symlink("/dev/zero", join(project.directory, path));
    const told = await project.load({ environment: "staging" }).then(
      () => "",
      (error: unknown) => String(error),
    );
    expect(told).not.toMatch(/Invalid|RangeError/);
  },
);

test("a thousand mistakes are counted, and the first of them are named", async () => {
  const services = Array.from({ length: 1500 }, (_, index) => `  service-${index}: {}\n`).join("");
  await using project = await createProject(`${minimal}services:\n${services}`);
  const problems = await project.problems();
  expect(problems.length).toBeLessThan(300);
  expect(problems.at(-1)).toMatch(/^and \d+ more$/);
});
