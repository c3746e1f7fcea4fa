import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const script = new URL("../../../scripts/environment-deployment-management.sh", import.meta.url).pathname;
const parts = script.replace(/\.sh$/, "");

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "coldtivate-by-hand-"));
  mkdirSync(join(dir, "environment-deployment-management"));
  writeFileSync(join(dir, "plan.full"), "commit\nprune\t1\n");
  writeFileSync(join(dir, "environment-deployment-management.sh"), "# of that release\n");
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Prepares a kept release to be applied by hand; gives the script that will apply it. */
function prepare(): string {
  const command = `
    set -Eeuo pipefail
    script=environment-deployment-management.sh self=${script} parts=${parts} dir=${dir} release=r1 journal=${dir}/journal
    source ${parts}/deploy.sh; source ${parts}/releases.sh
    open_release() { :; }
    use_full_plan`;
  execFileSync("bash", ["-c", command]);
  return readFileSync(join(dir, "environment-deployment-management.sh"), "utf8");
}

test("a kept release is applied by its own script", () => {
  writeFileSync(join(dir, "environment-deployment-management/written.sh"), "");
  expect(prepare()).toBe("# of that release\n");
});

test("one whose script is so old that it would remove what containers wrote is applied by this one", () => {
  expect(prepare()).toBe(readFileSync(script, "utf8"));
  expect(readFileSync(join(dir, "environment-deployment-management/written.sh"), "utf8")).toBe(readFileSync(`${parts}/written.sh`, "utf8"));
});

test("a release of an older coldtivate, whose full plan has another name, is applied all the same", () => {
  renameSync(join(dir, "plan.full"), join(dir, "plan.whole"));
  prepare();
  expect(readFileSync(join(dir, "plan"), "utf8")).toBe("commit\nprune\t1\n");
});
