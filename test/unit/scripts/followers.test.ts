import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const parts = new URL("../../../scripts/environment-deployment-management/", import.meta.url).pathname;

/** Services that run, with what Compose notes of whom they depend on: `name:condition:whether it restarts with it`. */
const running: Record<string, string> = {
  vpn: "",
  crawler: "vpn:service_started:true",
  follower: "db:service_healthy:false,crawler:service_started:true",
  last: "follower:service_started:true",
  beside: "vpn:service_started:false",
  db: "",
  "api-green": "vpn:service_healthy:true",
  "job-green": "vpn:service_healthy:true",
};

function followersOf(...services: string[]): string[] {
  const state = mkdtempSync(join(tmpdir(), "coldtivate-followers-"));
  onTestFinished(() => rmSync(state, { recursive: true }));
  mkdirSync(dirname(join(state, "fronts/api/live")), { recursive: true });
  writeFileSync(join(state, "fronts/api/live"), "green\n");
  const lines = Object.entries(running).map(([service, needs]) => `${service} digest ${needs}`);
  const script = `
    set -Eeuo pipefail; shopt -s inherit_errexit extglob
    state=${state}
    source ${parts}engine.sh
    containers() { cat <<'END'\n${[...lines, "plain - vpn:service_started:true"].join("\n")}\nEND
    }
    followers_of "$@"`;
  return execFileSync("bash", ["-c", script, "followers", ...services], { encoding: "utf8" })
    .split("\n")
    .filter(Boolean)
    .toSorted();
}

test("what says that it restarts with a service follows it, over others, too; nothing else does", () => {
  expect(followersOf("vpn")).toEqual(["crawler", "follower", "job-green", "last"]);
  expect(followersOf("vpn", "crawler")).toEqual(["follower", "job-green", "last"]);
  expect(followersOf("db")).toEqual([]);
});

test("what is behind a front goes on, and so does what plain Compose started", () => {
  expect(followersOf("vpn")).not.toContain("api-green");
  expect(followersOf("vpn")).not.toContain("plain");
});
