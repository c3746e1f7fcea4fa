import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

const parts = new URL("../../../scripts/environment-deployment-management/", import.meta.url).pathname;

/** The workers of a front whose first process the host does not see, by what the engine answers to a command. */
function workersBy(answers: Record<string, string>): string[] {
  const cases = Object.entries(answers).map(([command, answer]) => `${command}) printf '${answer}' ;;`);
  const script = `
    set -Eeuo pipefail; shopt -s inherit_errexit nullglob
    engine() { case $1 in ${cases.join(" ")} *) return 1 ;; esac; }
    source ${parts}fronts.sh
    front=0123456789 master=4242424242
    workers`;
  return execFileSync("bash", ["-c", script], { encoding: "utf8" }).trim().split("\n");
}

test("the engine tells a front's processes where the host does not see them", () => {
  expect(workersBy({ top: "PID PPID\\n4242424242 1\\n91 4242424242\\n17 4242424242\\n30 91\\n" })).toEqual(["91", "17"]);
});

test("an engine that cannot, one without control groups, is asked within the front", () => {
  expect(workersBy({ exec: "9 17 " })).toEqual(["9", "17"]);
});
