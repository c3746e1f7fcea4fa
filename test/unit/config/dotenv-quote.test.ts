import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import * as z from "zod";
import { parseDotenv, quoteDotenv } from "../../../src/lib/config/values/dotenv.ts";

const directory = mkdtempSync(join(tmpdir(), "coldtivate-dotenv-"));
afterAll(() => rmSync(directory, { recursive: true }));

const awkward = [
  "",
  " ",
  " leading and trailing ",
  "p$ss#x",
  "$",
  "$$",
  "a$$b$c",
  "${X}",
  "$${X:-d}",
  "it's\\$X",
  "'",
  "''",
  "'a'",
  '"',
  '"a"',
  `'"'"`,
  "\\",
  "\\\\",
  "a\\",
  "a\\\\",
  "\\'",
  "\\\\'",
  '\\"',
  "\\$X'\\",
  "\\n",
  "a\\nb\\tc'\\",
  "\\0123 \\x41 \\u0041'\\",
  "a\nb",
  "\n",
  "a\r\nb\r",
  "\ta\t",
  "#",
  "a #b",
  "a=b==",
  "=",
  "export A=1",
  "Käse 🧀 ñ",
  '{"json": ["a b", \'c\', "$d"]}',
  "postgres://user:p%40$s'w\"d@db:5432/x?a=b&c=#d",
  "`id` $(id) !!",
  "%s %% {{.Name}}",
];

/** Values from a generator with a fixed seed, of the characters that mean something to some parser. */
function generate(count: number): string[] {
  let seed = 42;
  const next = (limit: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (seed >>> 8) % limit;
  };
  const alphabet = [
    "$",
    "$",
    "{",
    "}",
    "'",
    "'",
    '"',
    '"',
    "\\",
    "\\",
    "n",
    "r",
    "0",
    "#",
    " ",
    "=",
    "\n",
    "\r",
    "\t",
    "X",
    ":",
    "-",
    "ü",
    "`",
  ];
  return Array.from({ length: count }, () => Array.from({ length: 1 + next(8) }, () => alphabet[next(alphabet.length)]).join(""));
}

const values = new Map([...awkward, ...generate(600)].map((value, index) => [`V${index}`, value]));

/** What Docker Compose makes of a file, as `env_file` and as `--env-file`. */
function readWithCompose(dotenv: string) {
  const interpolated = Object.fromEntries([...values.keys()].map((name) => [name, `\${${name}}`]));
  writeFileSync(join(directory, "dotenv"), dotenv);
  writeFileSync(
    join(directory, "compose.json"),
    JSON.stringify({ services: { file: { image: "x", env_file: "dotenv" }, interpolated: { image: "x", environment: interpolated } } }),
  );
  const args = ["compose", "--project-name", "x", "--file", "compose.json", "--env-file", "dotenv", "config", "--format", "json"];
  // Another docker, without plugins, may come first on PATH.
  const output = execFileSync("docker", args, {
    cwd: directory,
    encoding: "utf8",
    env: { PATH: `/usr/bin:${process.env["PATH"]}`, X: "wrong" },
  });
  const { services } = model.parse(JSON.parse(output));
  return { file: unescape(services.file.environment), interpolated: unescape(services.interpolated.environment) };
}

const service = z.object({ environment: z.record(z.string(), z.string()) });
const model = z.object({ services: z.object({ file: service, interpolated: service }) });

/** Compose's own output can be read by Compose again: every dollar sign is doubled. */
function unescape(environment: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(environment).map(([name, value]) => [name, value.replaceAll("$$", "$")]));
}

function differences(found: ReadonlyMap<string, string>) {
  return [...values].filter(([name, value]) => found.get(name) !== value).map(([name, value]) => ({ value, found: found.get(name) }));
}

test("Docker Compose reads a quoted dotenv back as the same values, in both of its uses", () => {
  const { file, interpolated } = readWithCompose(quoteDotenv(values));
  expect(differences(file)).toEqual([]);
  expect(differences(interpolated)).toEqual([]);
});

test("a dotenv is the same after it was parsed and quoted", () => {
  const text = "A=p$ss#x\nC=\"it's\\$X\"\nD='p$ss#x'\n";
  const parsed = parseDotenv(text);
  expect([...parsed]).toEqual([
    ["A", "p$ss#x"],
    ["C", "it's$X"],
    ["D", "p$ss#x"],
  ]);
  expect(quoteDotenv(parsed)).toBe("A='p$ss#x'\nC='it\\'s$X'\nD='p$ss#x'\n");
});
