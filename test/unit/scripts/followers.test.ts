import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { ComposeService } from "../../../src/lib/compose/model.ts";
import { followersText } from "../../../src/lib/compose/sharing.ts";

const parts = new URL("../../../scripts/environment-deployment-management/", import.meta.url).pathname;

const base: ComposeService = { image: "ours" };
const started = (restart: boolean) => ({ condition: "service_started", restart });

const services: Record<string, ComposeService> = {
  vpn: base,
  crawler: { ...base, network_mode: "service:vpn" },
  follower: { ...base, depends_on: { db: started(false), crawler: started(true) } },
  last: { ...base, depends_on: { follower: started(true) } },
  beside: { ...base, depends_on: { vpn: started(false) } },
  db: base,
  "api-green": { ...base, depends_on: { vpn: started(true) } },
  "job-green": { ...base, depends_on: { vpn: started(true) } },
  ended: { ...base, pid: "service:vpn" },
};

function followersOf(...names: string[]): string[] {
  const state = mkdtempSync(join(tmpdir(), "coldtivate-followers-"));
  onTestFinished(() => rmSync(state, { recursive: true }));
  for (const folder of ["fronts/api", "current"]) mkdirSync(join(state, folder), { recursive: true });
  writeFileSync(join(state, "fronts/api/live"), "green\n");
  writeFileSync(join(state, "current/followers"), followersText(services));
  const running = Object.keys(services).filter((name) => name !== "ended");
  const script = `
    set -Eeuo pipefail; shopt -s inherit_errexit extglob
    state=${state}
    source ${parts}engine.sh
    source ${parts}sharing.sh
    containers() { printf '%s\\n' ${running.join(" ")}; }
    followers_of "$@"`;
  return execFileSync("bash", ["-c", script, "followers", ...names], { encoding: "utf8" })
    .split("\n")
    .filter(Boolean)
    .toSorted();
}

test("what says that it restarts with a service follows it, over others, too; nothing else does", () => {
  expect(followersOf("vpn")).toEqual(["crawler", "follower", "job-green", "last"]);
  expect(followersOf("vpn", "crawler")).toEqual(["follower", "job-green", "last"]);
  expect(followersOf("db")).toEqual([]);
});

test("what is behind a front goes on, and what ended does not begin again", () => {
  expect(followersOf("vpn")).not.toContain("api-green");
  expect(followersOf("vpn")).not.toContain("ended");
});
