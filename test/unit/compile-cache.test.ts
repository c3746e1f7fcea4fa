import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";

const source = new URL("../../src/compile-cache.ts", import.meta.url).href;
const program = `const { enableCompileCache } = await import(${JSON.stringify(source)}); console.log(enableCompileCache() ?? "none");`;

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "coldtivate-home-"));
});
afterEach(() => rmSync(home, { recursive: true }));

/** Where a process of its own keeps what it compiles; `none` where it keeps nothing. It ends well in any case. */
async function cacheOf(env: Record<string, string> = {}): Promise<string> {
  const { NODE_COMPILE_CACHE: _cache, XDG_CACHE_HOME: _home, ...rest } = process.env;
  const options = { env: { ...rest, HOME: home, ...env }, extendEnv: false };
  const { stdout, stderr } = await execa(process.execPath, ["--input-type=module", "--eval", program], options);
  expect(stderr).toBe("");
  return stdout;
}

test("it is below the user's cache, and the user's alone", async () => {
  expect(await cacheOf()).toContain(join(home, ".cache/coldtivate/compiled"));
  expect(statSync(join(home, ".cache/coldtivate/compiled")).mode & 0o777).toBe(0o700);
});

test("XDG_CACHE_HOME says where it is, unless it is relative", async () => {
  expect(await cacheOf({ XDG_CACHE_HOME: join(home, "elsewhere") })).toContain(join(home, "elsewhere/coldtivate/compiled"));
  expect(await cacheOf({ XDG_CACHE_HOME: "here" })).toContain(join(home, ".cache/coldtivate/compiled"));
});

test("nothing is read from a folder that others can write", async () => {
  const folder = join(home, ".cache/coldtivate/compiled");
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o770);
  expect(await cacheOf()).toBe("none");
});

test("nothing is kept where no folder can be made", async () => {
  writeFileSync(join(home, ".cache"), "");
  expect(await cacheOf()).toBe("none");
  expect(await cacheOf({ HOME: join(home, "missing") })).toBe("none");
});

test.runIf(process.geteuid?.() === 0)("nothing of root's is left in another user's home", async () => {
  chownSync(home, 65534, 65534);
  expect(await cacheOf()).toBe("none");
  expect(existsSync(join(home, ".cache"))).toBe(false);
});

test("the command refuses the versions of Node.js that package.json excludes", () => {
  const { engines } = JSON.parse(readFileSync("package.json", "utf8")) as { engines: { node: string } };
  const [, major, minor] = /^>=(\d+)\.(\d+)$/.exec(engines.node)!;
  const text = readFileSync("bin/run.js", "utf8");
  expect(text).toContain(`major > ${major} || (major === ${major} && minor >= ${minor})`);
  expect(text).toContain(`needs Node.js ${major}.${minor} or newer`);
});
