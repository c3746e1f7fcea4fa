import { execa } from "execa";
import { expect, test } from "vitest";
import { ColdtivateError } from "../../../src/lib/errors.ts";
import { describeFailure, exitCodeOf, type Failure } from "../../../src/lib/report/failure.ts";
import { failureDocument, formatFailure } from "../../../src/lib/report/failure-text.ts";
import { chooseMode, wantsColor } from "../../../src/lib/report/mode.ts";
import { createPalette } from "../../../src/lib/report/palette.ts";

const refusal = new ColdtivateError("2 images are missing", {
  code: "IMAGE_MISSING",
  exit: "refused",
  details: ["web", "db"],
  hint: "run coldtivate build --push",
});

test("an error is a message, its details, and what to do next", () => {
  const failure = describeFailure(refusal);
  expect(formatFailure(failure, createPalette(false))).toBe(
    "✗ 2 images are missing\n  web\n  db\n  Nothing was changed.\n→ run coldtivate build --push\n",
  );
  expect(failureDocument(failure, exitCodeOf(failure))).toEqual({
    error: {
      code: "IMAGE_MISSING",
      message: "2 images are missing",
      hint: "run coldtivate build --push",
      details: ["web", "db"],
      changed: [],
      exit: "refused",
      exitCode: 3,
    },
  });
});

test.each(["refused", "usage"] as const)("an error that says %s is none where something was changed before it, and says what", (exit) => {
  const late = new ColdtivateError("Git gave no answer", { code: "GIT_FAILED", exit, hint: "look at the repository" });
  const failure = describeFailure(late, { changed: ["pushed: r/web:1234abcd"] });
  expect(exitCodeOf(failure)).toBe(4);
  expect(formatFailure(failure, createPalette(false))).toBe(
    "✗ Git gave no answer\n  changed before that: pushed: r/web:1234abcd\n→ look at the repository\n",
  );
  expect(failureDocument(failure, 4)).toMatchObject({ error: { changed: ["pushed: r/web:1234abcd"], exit: "failed", exitCode: 4 } });
});

test("whatever ends a command, what was changed before is told", () => {
  const changed = ["removed from the registry: web@sha256:aa"];
  const interruption = new ColdtivateError("interrupted by SIGTERM", { code: "INTERRUPTED", exit: "interrupted" });
  expect(describeFailure(new TypeError("x"), { changed })).toMatchObject({ exit: "bug", changed });
  expect(describeFailure(new TypeError("x"), { changed, interruption })).toMatchObject({ exit: "interrupted", changed });
  expect(describeFailure(interruption, { changed, interruption })).toMatchObject({ exit: "interrupted", changed });
  const mixed = new ColdtivateError("hosts differ", { code: "DEPLOY_MIXED", exit: "mixed" });
  expect(describeFailure(mixed, { changed, interruption })).toMatchObject({ exit: "mixed", changed });
});

test("a stack is shown for bugs, and otherwise only on request", () => {
  expect(describeFailure(refusal).stack).toBeUndefined();
  expect(describeFailure(refusal, { verbose: true }).stack).toMatch(/^\s+at /);
  expect(describeFailure(new TypeError("x is undefined"))).toMatchObject({
    exit: "bug",
    code: "BUG",
  });
  expect(describeFailure(new TypeError("x is undefined")).stack).toMatch(/^\s+at /);
});

test("a program's command line is shown nowhere, not even as a cause under --verbose", async () => {
  const child: unknown = await execa("sh", ["-c", "exit 7", "--password=swordfish"]).catch((error: unknown) => error);
  const wrapped = new ColdtivateError("the build failed", { code: "BUILD_FAILED", exit: "failed", cause: child });
  for (const error of [child, wrapped]) {
    const failure = describeFailure(error, { verbose: true });
    const shown =
      formatFailure(failure, createPalette(false)) +
      JSON.stringify(failureDocument(failure, exitCodeOf(failure))) +
      JSON.stringify(error === wrapped && error);
    expect(shown).not.toContain("swordfish");
    expect(shown).toContain("exit code 7");
  }
});

function interrupted(error: unknown): Failure {
  return describeFailure(error, {
    interruption: new ColdtivateError("interrupted by SIGTERM", { code: "INTERRUPTED", exit: "interrupted" }),
  });
}

test("whatever fails after an interruption is the interruption, but hosts that differ", () => {
  expect(interrupted(new Error("aborted"))).toMatchObject({ exit: "interrupted", message: "interrupted by SIGTERM" });
  expect(interrupted(refusal)).toMatchObject({ exit: "interrupted", details: ["2 images are missing", "web", "db"] });
  const undone = new ColdtivateError("undone", { code: "DEPLOY_ABORTED", exit: "interrupted" });
  expect(interrupted(undone)).toMatchObject({ code: "DEPLOY_ABORTED", message: "undone" });
  const mixed = new ColdtivateError("hosts differ", { code: "DEPLOY_BROKEN", exit: "mixed" });
  expect(interrupted(mixed)).toMatchObject({ code: "DEPLOY_BROKEN", exit: "mixed" });
});

test("what is no error at all is still reported as a bug", () => {
  expect(describeFailure("a string")).toMatchObject({ exit: "bug", message: "this is a bug in coldtivate: a string" });
});

test.each([
  [{ isTTY: true }, {}, false, "terminal"],
  [{ isTTY: true }, {}, true, "plain"],
  [{ isTTY: true }, { CI: "true" }, false, "plain"],
  [{ isTTY: true }, { TERM: "dumb" }, false, "plain"],
  [{}, {}, false, "plain"],
  [{}, { CI: "true", GITLAB_CI: "true" }, false, "gitlab"],
  [{}, { GITLAB_CI: "true" }, true, "plain"],
])("stream %j, environment %j, --plain %j: %s", (stream, environment, plain, mode) => {
  expect(chooseMode(stream, environment, plain)).toBe(mode);
});

test("NO_COLOR wins over everything, FORCE_COLOR over what reads the output", () => {
  expect(wantsColor({ isTTY: true }, {})).toBe(true);
  expect(wantsColor({ isTTY: true }, { NO_COLOR: "1", FORCE_COLOR: "1" })).toBe(false);
  expect(wantsColor({}, { FORCE_COLOR: "1" })).toBe(true);
  expect(wantsColor({}, {})).toBe(false);
  expect(wantsColor({}, { GITLAB_CI: "true" })).toBe(true);
});
