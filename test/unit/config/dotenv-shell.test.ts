import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { readDotenvLines } from "../../../src/lib/config/dotenv/dotenv-lines.ts";
import { changedByShell } from "../../../src/lib/config/dotenv/dotenv-shell.ts";

const folder = mkdtempSync(join(tmpdir(), "dotenv-shell-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const bash = execFileSync("bash", ["-c", "command -v bash"], { encoding: "utf8" }).trim();

/** The names whose values bash itself changes. */
function changedByBash(text: string): string[] {
  writeFileSync(join(folder, "env"), text);
  // No PATH: what a value runs is not found.
  const script = "set -a; . ./env; set +a; exec /usr/bin/env -0";
  const { stdout } = spawnSync(bash, ["--norc", "--noprofile", "-c", script], { cwd: folder, env: { PATH: "/none" }, timeout: 5000 });
  // A command substitution that does not end ends bash itself: then there is nothing to compare with.
  if (stdout.length === 0) return [];
  const values = new Map(
    stdout
      .toString()
      .split("\0")
      .flatMap((entry) =>
        entry.includes("=") ? [[entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)] as const] : [],
      ),
  );
  return readDotenvLines(text)
    .assignments.filter(({ name, value }) => values.get(name) !== value)
    .map(({ name }) => name);
}

describe("what a shell makes of a dotenv", () => {
  test.each([
    ["plain values", "A=1\nexport B=two\n# C=3\nC=3 # three\n\nD=\nE='a b'\nF=\"a b\"\n", []],
    ["a dollar", "A=p$ss#w0rd\nB=x\n", ["A"]],
    ["a reference", "DB_PASSWORD=p$ss#w0rd\nURL=postgres://u:${DB_PASSWORD}@db/x\n", ["DB_PASSWORD", "URL"]],
    ["a reference to a good value is still one", "P=x\nURL=postgres://u:${P}@db/x\nV=$P\n", ["URL", "V"]],
    ["a dollar that means nothing", "A=5$\nB=a$.b\nC=a$%\nD='p$ss'\n", []],
    ["special parameters", "A=a$$b\nB=$1\nC=a$!\nD=a$#\n", ["A", "B", "C", "D"]],
    ["in double quotes", 'A="p$ss"\nB="a\\$b"\nC="a\\nb"\nD="a\\"b"\nE="a\\\\b"\nF="a$"\nG="a`b"\n', ["A", "C", "G"]],
    ["blanks", "A=one two\nB= x\nC=x \nD=a\tb\n", ["A", "B", "D"]],
    ["backslashes", "A=C:\\temp\nB=a\\b\nC='a\\b'\nD=a\\\\b\n", ["A", "B", "D"]],
    ["a quote in the middle takes the next lines with it", "A=it's\nB=2\nC='3'\nD=4\n", ["A", "B", "C", "D"]],
    ["quotes inside of a value", 'A=a"b"c\nB={"a":"b"}\nC=\'{"a":"b"}\'\n', ["A", "B"]],
    ["a backtick", "A=a`b`c\nB='`'\n", ["A"]],
    ["an ampersand, a semicolon, a pipe", "A=http://h/?a=b&c=d\nB=a;b\nC=3\n", ["A", "B"]],
    ["a hash", "A=a#b\nB=a# b\nC=a #b\n", ["B"]],
    ["a tilde", "A=~\nB=~/x\nC=a~b\nD=a:~/b\nE='~'\n", ["A", "B", "D"]],
    ["parentheses: the shell stops there", "A=1\nB=a(b)\nC=3\n", ["B", "C"]],
    ["a brace in the background: the shell stops there", "B=\n}&\nA=\n", ["A"]],
    ["a pipe, and the variable once more, which is no assignment of a dotenv", "C=\na|a\nC=''a\n", ["C"]],
    ["a pattern and braces", "A=*\nB=a?c\nC={a,b}\nexport D={a,b}\n", ["D"]],
    ["names that are none to a shell", "A.B=1\nA-B=2\nC=3\n", ["A.B", "A-B"]],
    ["the shell's own", "UID=1234\nB=2\n", ["UID"]],
    ["lines that end as on Windows", "A=1\r\nB=2\r\n", ["A", "B"]],
    ["several lines", "A=\"one\ntwo\"\nB='one\ntwo'\n", []],
    ["what is the beginning of a subscript", "A= a[\nC=\n", ["A", "C"]],
    ["a line that goes on", "A=one\\\nB=2\n", ["A", "B"]],
    ["a byte order mark", "\uFEFFA=1\nB=2\n", ["A"]],
    ["an exclamation mark and other characters", "A=a!b\nB=a%b^c\nC=a,b=c@d[e]\nD=ä\n", []],
  ])("%s", (_name, text, expected) => {
    expect(changedByShell(text)).toEqual(expected);
    expect(changedByBash(text)).toEqual(expected);
  });

  const names = fc.constantFrom("A", "B", "C", "AB");
  const linesOf = (values: fc.Arbitrary<string>) =>
    fc
      .array(fc.tuple(names, values, fc.constantFrom("", "export ")), { minLength: 1, maxLength: 4 })
      .map((entries) => entries.map(([name, value, prefix]) => `${prefix}${name}=${value}\n`).join(""));
  const distinct = (text: string) => {
    const all = readDotenvLines(text).assignments.map(({ name }) => name);
    return new Set(all).size === all.length;
  };

  test("no value that bash changes is left out", () => {
    const nasty = fc.string({
      unit: fc.constantFrom(..."abA$\"'\\ #{}();&|~!*?=:`,[]-\t\r".split(""), "\n", "$A", "${A}", "\\\n"),
      maxLength: 8,
    });
    fc.assert(
      fc.property(linesOf(nasty).filter(distinct), (text) => {
        const told = changedByShell(text);
        expect(changedByBash(text).filter((name) => !told.includes(name))).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  test("none is named that bash leaves alone, where quotes are closed and nothing but variables is expanded", () => {
    const value = fc.oneof(
      fc.string({ unit: fc.constantFrom(..."abA#!*?=:,[]-%^@./+".split("")), maxLength: 8 }),
      fc.string({ unit: fc.constantFrom(...'ab$ ;&|~!*?:\\()"`#'.split("")), maxLength: 8 }).map((text) => `'${text}'`),
      fc
        .string({ unit: fc.constantFrom(..."ab ;&|~!*?:()'#".split(""), "\\$", "\\n", "\\\\", '\\"', "$ "), maxLength: 8 })
        .map((text) => `"${text}"`),
      fc.string({ unit: fc.constantFrom(..."ab".split(""), "\\a", "$.", "$%"), maxLength: 8 }),
      fc.constantFrom("a b", "a #b", "$A", "a${B}c", '"$A"'),
    );
    fc.assert(
      fc.property(linesOf(value).filter(distinct), (text) => {
        expect(changedByShell(text)).toEqual(changedByBash(text));
      }),
      { numRuns: 300 },
    );
  });
});
