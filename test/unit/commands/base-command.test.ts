import { once } from "node:events";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { exitCodes } from "../../../src/lib/errors.ts";
import { run, runInTerminal } from "./cli.ts";

test("the result goes to standard output, progress to standard error", async () => {
  const { stdout, stderr, exitCode } = await run(["act", "report"]);
  expect(stdout).toBe("web serves\n");
  expect(stderr).toMatch(/^\d\d:\d\d:\d\d {2}web {2}starting\n\d\d:\d\d:\d\d {2}web {2}healthy \(\d+(?: ms|\.\d s)\)\n$/);
  expect(exitCode).toBe(0);
});

test("--json prints one document and nothing else on standard output", async () => {
  const { stdout, exitCode } = await run(["act", "report", "--json"]);
  expect(JSON.parse(stdout)).toEqual({ web: "serves" });
  expect(exitCode).toBe(0);
});

test("an error goes to standard error, with details and hint and no stack", async () => {
  const { stdout, stderr, exitCode } = await run(["act", "refuse"]);
  expect(stdout).toBe("");
  expect(stderr).toBe("✗ 2 images are missing\n  web: no image\n  db: no image\n  Nothing was changed.\n→ run coldtivate build\n");
  expect(exitCode).toBe(3);
});

test("--verbose adds where it happened, and what caused it", async () => {
  const { stderr } = await run(["act", "refuse", "--verbose"]);
  expect(stderr).toMatch(/\n {4}at .*act\.ts/);
  expect(stderr).toContain("caused by Error: inner");
});

test("an error is the one document under --json", async () => {
  const { stdout, stderr, exitCode } = await run(["act", "refuse", "--json"]);
  expect(JSON.parse(stdout)).toEqual({
    error: {
      code: "NOT_THERE",
      message: "2 images are missing",
      hint: "run coldtivate build",
      details: ["web: no image", "db: no image"],
      changed: [],
      exit: "refused",
      exitCode: 3,
    },
  });
  expect(stderr).toBe("");
  expect(exitCode).toBe(3);
});

test("a refusal after something was changed is none, and says what was", async () => {
  const { stderr, exitCode } = await run(["act", "change"]);
  expect(stderr).toBe("✗ Git gave no answer\n  changed before that: pushed: shop/web:1234abcd\n");
  expect(exitCode).toBe(4);
});

test.each(["break", "reject"])("a bug says that it is one, and where: %s", async (behaviour) => {
  const { stderr, exitCode } = await run(["act", behaviour]);
  expect(stderr).toMatch(/^✗ this is a bug in coldtivate: .*\n {4}at /);
  expect(exitCode).toBe(1);
});

test("a program's command line never gets out", async () => {
  const { stdout, stderr, exitCode } = await run(["act", "child", "--json", "--verbose"]);
  expect(stdout + stderr).not.toContain("swordfish");
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: "BUG" } });
  expect(exitCode).toBe(1);
});

test.each([[["act", "leak"]], [["act", "leak", "--json"]], [["act", "leak", "--verbose"]]])("no secret gets out: %j", async (args) => {
  const { stdout, stderr } = await run(args);
  expect(stdout + stderr).not.toContain("hunter2");
  expect(stderr).toContain("***");
});

/** What no output has but its own: colours, marks of GitLab's sections, and what the live display moves with. */
// oxlint-disable-next-line no-control-regex
const foreign = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202E]/;
const ownColours = /\u001B\[(?:[12]|22|3[1-3]|39)m/g;

test.each<[string, string[], Record<string, string>]>([
  ["plain lines", [], {}],
  ["plain lines, in colours and with causes", ["--verbose"], { FORCE_COLOR: "1" }],
  ["JSON", ["--json", "--verbose"], {}],
  ["GitLab's sections", [], { GITLAB_CI: "true" }],
  ["all that Node.js tells", ["--plain"], { DEBUG: "*", NODE_DEBUG: "stream,fs" }],
])("whatever others say, the terminal obeys none of it: %s", async (_mode, args, env) => {
  const { stdout, stderr, exitCode } = await run(["act", "attack", ...args], env);
  expect(exitCode).toBe(4);
  const sections = /section_(?:start|end):\d+:s_web(?:\[collapsed=true\])?\r\u001B\[0K/g;
  const shown = (stdout + stderr).replaceAll(sections, "").replaceAll(ownColours, "");
  expect(shown).not.toMatch(foreign);
  expect(shown).toContain("hint ]52;c;ZXZpbA==");
  if (args.includes("--json")) expect(stdout).not.toMatch(/\\u00|\\[brtf]/);
  else for (const word of ["announced", "said", "warned", "shown", "written", "complained"]) expect(shown).toContain(word);
});

test("whatever others say, the live display moves as ever, and nothing else does", async () => {
  const { stdout } = await runInTerminal(["act", "attack"]);
  const bare = stdout.replaceAll(/\r\n/g, "\n").replaceAll(/\u001B\[(?:[0-9]?[ABGJK]|[0-9]{1,2}m|\?(?:25|2026)[hl])/g, "");
  expect(bare).not.toMatch(foreign);
  expect(bare).toMatch(/stage .*\n[^]*web .*failed /);
  expect(stdout).toContain("\u001B[?25l");
  expect(stdout).not.toMatch(/\[77A|\[8m|\[66m/);
});

test("a secret that cannot be kept out of output is told of once, by its name", async () => {
  const { stdout, stderr } = await run(["act", "weak"]);
  expect(stdout).toBe("abc, abc\n");
  expect(stderr).toBe("warning: DB_PASSWORD is too short: output will show it; a longer, random value is kept out\n");
});

test.each([
  [["act", "succeed", "--plian"], "did you mean --plain?"],
  [["atc"], "coldtivate --help lists the commands"],
  [["act"], "coldtivate act --help"],
  [["act", "succeed", "more"], "coldtivate act --help"],
])("a mistake in the command is exit 2 and says what to type: %j", async (args, hint) => {
  const { stderr, exitCode } = await run(args);
  expect(stderr).toContain(hint);
  expect(exitCode).toBe(2);
});

test("a mistake in the command under --json shows neither arguments nor configuration", async () => {
  const { stdout, exitCode } = await run(["act", "succeed", "--password=swordfish", "--json"]);
  expect(Object.keys(JSON.parse(stdout).error)).toEqual(["code", "message", "hint", "details", "changed", "exit", "exitCode"]);
  expect(exitCode).toBe(2);
});

test("an interruption lets the work clean up, and ends with 130", async () => {
  const child = run(["act", "wait"]);
  await once(child.stderr, "data");
  child.kill("SIGINT");
  const { stderr, exitCode } = await child;
  expect(stderr).toContain("cleaned up\n");
  expect(stderr).toContain("✗ interrupted by SIGINT\n");
  expect(exitCode).toBe(130);
});

test("a second interruption ends it at once", async () => {
  const child = run(["act", "hang"]);
  let stderr = "";
  const stopping = Promise.withResolvers<void>();
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    if (stderr.includes("waiting\n")) child.kill("SIGTERM");
    if (stderr.includes("stopping")) stopping.resolve();
  });
  await stopping.promise;
  child.kill("SIGTERM");
  expect((await child).exitCode).toBe(130);
});

test("a question without a terminal is an error that names --yes", async () => {
  const { stderr, exitCode } = await run(["act", "ask"]);
  expect(stderr).toContain("--yes");
  expect(exitCode).toBe(2);
});

test.each([
  ["yes\n", 0],
  ["n\n", 3],
  ["\n", 3],
  ["\u0004", 3],
  ["\u0003", 130],
])("a question in a terminal, answered with %j, ends with %d", async (answer, expected) => {
  const child = runInTerminal(["act", "ask"]);
  child.stdout.on("data", (chunk: Buffer) => {
    if (chunk.includes("[y/N]")) child.stdin.write(answer);
  });
  expect((await child).exitCode).toBe(expected);
});

test.each([["act", "flood"], ["--help"]])("a reader that goes away early is no error: %s", async (...args) => {
  const child = run(args);
  await once(child.stdout, "data");
  child.stdout.destroy();
  const { stderr, exitCode } = await child;
  expect(stderr).toBe("");
  expect(exitCode).toBe(0);
});

test("help shows what every exit code means", async () => {
  for (const args of [["--help"], ["act", "--help"]]) {
    const { stdout } = await run(args);
    const words = stdout.replaceAll(/\s+/g, " ");
    for (const { code, meaning } of Object.values(exitCodes)) expect(words).toContain(`${code} ${meaning}`);
  }
});

test("in a terminal, the last frame has every row, each line of output comes once, and the cursor comes back", async () => {
  const { stdout, exitCode } = await runInTerminal(["act", "draw"]);
  const text = stripVTControlCharacters(stdout);
  expect(text).toMatch(/✖ web {5}exited with 1 {2}\d+(?: ms|\.\d s)/);
  expect(text).toMatch(/⊘ celery/);
  expect(text).toMatch(/◼ db/);
  expect(text.match(/Traceback/g)).toHaveLength(1);
  expect(text).toMatch(/what waited\s+✗ web exited\s+it was undone/);
  expect(stdout.lastIndexOf("\u001B[?25h")).toBeGreaterThan(stdout.lastIndexOf("\u001B[?25l"));
  expect(exitCode).toBe(4);
});

test("NO_COLOR is honoured in a terminal", async () => {
  const red = "\u001B[31m";
  expect((await runInTerminal(["act", "draw"])).stdout).toContain(red);
  expect((await runInTerminal(["act", "draw"], { NO_COLOR: "1" })).stdout).not.toContain(red);
});
