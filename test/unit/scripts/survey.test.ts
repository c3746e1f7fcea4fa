import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const part = new URL("../../../scripts/environment-deployment-management/survey.sh", import.meta.url).pathname;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coldtivate-survey-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What a host answers to a question, as words. */
function ask(about: string, subject: string, setting = ""): string[][] {
  const script = `export LC_ALL=C; ${setting} eval "$(<${part})"; survey`;
  const output = execFileSync("bash", ["-c", script], { encoding: "utf8", input: `${about}\t${subject}\n` });
  return output
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t"));
}

const hash = (content: string) => createHash("sha256").update(content).digest("hex");

describe("a tree", () => {
  test("is told file by file, links by where they lead, with a digest of all", () => {
    mkdirSync(join(folder, "deep"));
    writeFileSync(join(folder, "deep/a b"), "a\n");
    writeFileSync(join(folder, String.raw`c\d`), "c\n");
    symlinkSync("deep", join(folder, "link"));
    const answers = ask("tree", folder);
    expect(answers.slice(0, -1).toSorted((one, other) => (one[3]! < other[3]! ? -1 : 1))).toEqual([
      ["file", folder, hash("c\n"), String.raw`c\d`],
      ["file", folder, hash("a\n"), "deep/a b"],
      ["file", folder, "link:deep", "link"],
    ]);
    expect(answers.at(-1)).toEqual(["sum", folder, expect.stringMatching(/^[0-9a-f]{64}$/)]);
  });

  test("that is too large to be told says how many files are not", () => {
    for (const name of ["a", "b", "c"]) writeFileSync(join(folder, name), name);
    expect(ask("tree", folder, "most_listed=2;").map(([kind]) => kind)).toEqual(["file", "file", "more", "sum"]);
    expect(ask("tree", folder, "most_listed=2;")[2]).toEqual(["more", folder, "1"]);
    expect(ask("tree", folder, "most_listed=3;").map(([kind]) => kind)).toEqual(["file", "file", "file", "sum"]);
  });

  test("that cannot be entered is not told as an empty one; one that is not there is", () => {
    execFileSync("mkfifo", [join(folder, "closed")]);
    expect(ask("tree", join(folder, "closed"))[0]).toEqual(["file", join(folder, "closed"), "unreadable", "."]);
    expect(ask("tree", join(folder, "none")).map(([kind]) => kind)).not.toContain("more");
    expect(ask("tree", join(folder, "none"))[0]?.slice(2)).toEqual(["", ""]);
  });
});

test("whether something is there", () => {
  writeFileSync(join(folder, "a"), "");
  symlinkSync("nowhere", join(folder, "dangling"));
  const is = (path: string) => ask("exists", join(folder, path))[0]?.[2];
  expect([is("a"), is("dangling"), is("none"), is("none/deeper")]).toEqual(["yes", "yes", "no", "no"]);
});
