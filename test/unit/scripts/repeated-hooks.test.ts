import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, onTestFinished, test } from "vitest";

const parts = new URL("../../../scripts/environment-deployment-management", import.meta.url).pathname;

/** A state with release r1, which has a hook, and r2, which repeats a release. */
function createState(repeats: string) {
  const state = mkdtempSync(join(tmpdir(), "coldtivate-hooks-"));
  onTestFinished(() => rmSync(state, { recursive: true }));
  mkdirSync(join(state, "releases/r1/hooks"), { recursive: true });
  mkdirSync(join(state, "releases/r2"));
  writeFileSync(join(state, "releases/r1/hooks/before_rollback"), Buffer.of(0x7f, 0x45, 0xff, 0x00));
  chmodSync(join(state, "releases/r1/hooks/before_rollback"), 0o700);
  writeFileSync(join(state, "releases/r2/hooks.of"), `${repeats}\n`);
  return state;
}

async function bring(state: string) {
  const command = `set -Eeuo pipefail; fail() { printf '%s\\n' "\${@:2}" >&2; return "$1"; }
    state=${state} dir=${state}/releases/r2; source ${parts}/hooks.sh; bring_hooks`;
  const { exitCode, stderr } = await execa("bash", ["-c", command], { reject: false });
  return { exitCode, stderr };
}

test("a release that repeats another one has its hooks, byte by byte, for as long as it is kept", async () => {
  const state = createState("r1");
  expect(await bring(state)).toEqual({ exitCode: 0, stderr: "" });
  rmSync(join(state, "releases/r1"), { recursive: true });
  // As when it is applied again, by hand.
  expect(await bring(state)).toEqual({ exitCode: 0, stderr: "" });
  const hook = join(state, "releases/r2/hooks/before_rollback");
  expect([...readFileSync(hook)]).toEqual([0x7f, 0x45, 0xff, 0x00]);
  expect(statSync(hook).mode & 0o777).toBe(0o700);
});

test.each(["r0", "../r1", "r1/../r1", ""])("hooks of %j, which is not kept, are missed before anything is changed", async (repeats) => {
  expect(await bring(createState(repeats))).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("are gone") as string });
});
