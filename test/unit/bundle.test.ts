import { expect, test } from "vitest";

const { takeBuiltins } = (await import(new URL("../../scripts/build/builtins.mjs", import.meta.url).href)) as {
  takeBuiltins: (text: string) => string;
};
const { collectLicences } = (await import(new URL("../../scripts/build/licences.mjs", import.meta.url).href)) as {
  collectLicences: (inputs: readonly string[]) => string;
};

const fetched = (name: string) => `globalThis.process.getBuiltinModule("${name}")`;

test.each([
  ['import fs from "node:fs";', `const fs = ${fetched("node:fs")};`],
  ['import * as os from "os";', `const os = ${fetched("os")};`],
  ['import { join, sep as separator } from "node:path";', `const { join, sep: separator } = ${fetched("node:path")};`],
  ['import process, { env } from "node:process";', `const process = ${fetched("node:process")}, { env } = process;`],
  ['import {\n  join,\n  sep\n} from "node:path";', `const { join, sep } = ${fetched("node:path")};`],
])("%s is taken from the process, and lines stay where they are", (statement, taken) => {
  const text = takeBuiltins(`import { a } from "./chunk.js";\n${statement}\nlast();\n`);
  const [first, ...rest] = text.split("\n");
  expect(first).toContain(taken);
  expect(first).toContain('import { a } from "./chunk.js";');
  expect(rest.join("\n")).toBe(`${"\n".repeat(statement.split("\n").length)}last();\n`);
});

test("packages and chunks stay imported", () => {
  const text = 'import Docker from "dockerode";\nimport {\n  a,\n  b\n} from "./chunk.js";\nimport "./other.js";\n';
  expect(takeBuiltins(text)).toContain(text);
});

test("what is bundled comes with its licences, each once", () => {
  const text = collectLicences(["src/run.ts", "node_modules/zod/a.js", "node_modules/zod/b.js", "node_modules/@oclif/core/lib/index.js"]);
  expect(text.match(/^zod .*: MIT$/gm)).toHaveLength(1);
  expect(text).toMatch(/^@oclif\/core .*: MIT$/m);
  expect(text.match(/Permission is hereby granted/g)).toHaveLength(2);
});
