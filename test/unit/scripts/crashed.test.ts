import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

const parts = new URL("../../../scripts/environment-deployment-management/", import.meta.url).pathname;

/** What is said of containers that were restarted so often when they were found well, and so often now. */
function judge(before: Record<string, number>, now: Record<string, number>): string {
  const inspected = Object.entries(now).map(([id, count]) => `${id}\\t/shop-${id}-1\\t${count}\\n`);
  const script = `
    set -Eeuo pipefail; shopt -s inherit_errexit nullglob
    source ${parts}health.sh
    engine() { printf '${inspected.join("")}'; }
    last_exit_code() { echo 7; }
    counts=(${Object.values(before).join(" ")})
    remember_restarts ${Object.keys(before).join(" ")}
    if has_crashed; then printf '%s: %s' "$culprit" "$reason"; else printf 'nothing'; fi`;
  return execFileSync("bash", ["-c", script], { encoding: "utf8" });
}

test("a container that came up and crashed since is told, though it runs again", () => {
  expect(judge({ a: 0, b: 1 }, { a: 0, b: 2 })).toBe("shop-b-1: shop-b-1 came up, then exited with 7, and was restarted");
});

test("restarts from before it came up, containers that are gone, and others count for nothing", () => {
  expect(judge({ a: 3, gone: 0 }, { a: 3, other: 5 })).toBe("nothing");
  expect(judge({}, {})).toBe("nothing");
});
