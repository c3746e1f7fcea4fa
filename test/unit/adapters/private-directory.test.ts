import { existsSync, mkdirSync, readlinkSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { createPrivateDirectory } from "../../../src/lib/adapters/private-directory.ts";

const source = new URL("../../../src/lib/adapters/private-directory.ts", import.meta.url).href;

test("the folder and its files are the user's alone, and go when it is disposed of", async () => {
  let path: string;
  {
    await using directory = createPrivateDirectory();
    path = directory.path;
    expect(statSync(await directory.write("secret", "value")).mode & 0o777).toBe(0o600);
    expect(statSync(path).mode & 0o777).toBe(0o700);
  }
  expect(existsSync(path)).toBe(false);
});

test("it goes with the process, too", async () => {
  const program = `const { createPrivateDirectory } = await import(${JSON.stringify(source)}); console.log(createPrivateDirectory().path); process.exit(3);`;
  const { stdout, exitCode } = await execa(process.execPath, ["--input-type=module", "--eval", program], { reject: false });
  expect(exitCode).toBe(3);
  expect(stdout).toContain("coldtivate-client");
  expect(existsSync(stdout)).toBe(false);
});

test("what a killed process left behind is removed, what a live one has is not", async () => {
  await using live = createPrivateDirectory();
  const space = readlinkSync("/proc/self/ns/pid").replace(/\D/g, "");
  const killed = await execa(process.execPath, ["--eval", "process.stdout.write(String(process.pid))"]);
  const left = join(dirname(live.path), `coldtivate-client-${space}-${killed.stdout}-AbCdEf`);
  const elsewhere = join(dirname(live.path), `coldtivate-client-1${space}-${killed.stdout}-AbCdEf`);
  mkdirSync(left);
  mkdirSync(elsewhere);
  await using _ = createPrivateDirectory();
  expect([left, elsewhere, live.path].map((path) => existsSync(path))).toEqual([false, true, true]);
  await execa("rmdir", [elsewhere]);
});

test("many at once are as good as one, and leave nothing to be done at the end of the process", async () => {
  const listeners = process.listenerCount("exit");
  const directories = Array.from({ length: 12 }, createPrivateDirectory);
  expect(process.listenerCount("exit")).toBe(listeners + 1);
  await Promise.all(directories.map((directory) => directory[Symbol.asyncDispose]()));
  expect(directories.filter(({ path }) => existsSync(path))).toEqual([]);
  expect(process.listenerCount("exit")).toBe(listeners);
});
