import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { ComposeService } from "../../../src/lib/compose/model.ts";
import { farewellsText } from "../../../src/lib/compose/stopping.ts";

const parts = new URL("../../../scripts/environment-deployment-management/", import.meta.url).pathname;

/** What docker is called with when the containers of `web` are to go, each call as its words. */
function callsOf(services: Record<string, ComposeService>, act = (release: string) => `say_goodbye web ${release}`): string[][] {
  const release = mkdtempSync(join(tmpdir(), "coldtivate-farewells-"));
  onTestFinished(() => rmSync(release, { recursive: true }));
  writeFileSync(join(release, "farewells"), farewellsText(services));
  writeFileSync(join(release, "stops"), "web-slot\t60\n");
  mkdirSync(join(release, "fronts"));
  if (services["web-slot"] !== undefined) writeFileSync(join(release, "fronts/web.cfg"), "");
  const script = `
    set -Eeuo pipefail; shopt -s inherit_errexit
    source ${parts}engine.sh
    source ${parts}stopping.sh
    source ${parts}foreign-containers.sh
    containers() { printf 'id1\\n'; }
    engine() { printf '%s\\0' "$@" >>${release}/calls; printf '\\0\\0' >>${release}/calls; }
    log_lines() { cat; }
    ${act(release)}
    cat ${release}/calls`;
  return execFileSync("bash", ["-c", script], { encoding: "utf8" })
    .split("\0\0\0")
    .filter((call) => call !== "")
    .map((call) => call.split("\0"));
}

test("what is to run before a container stops is run as it is written: lines, tabs, backslashes and empty words, too", () => {
  const words = ["printf", "a\\nb\tc\nd", "", "\\", "$$HOME", "--", "é"];
  const hooks = [
    { command: "echo bye >/tmp/bye\nsleep 1\n" },
    { command: words, user: "root", environment: { LIST: "one\ntwo", NOTHING: "" } },
  ];
  expect(callsOf({ web: { pre_stop: hooks }, other: { pre_stop: [{ command: "no" }] } })).toEqual([
    ["exec", "id1", "sh", "-c", "echo bye >/tmp/bye\nsleep 1\n"],
    ["exec", "--user", "root", "--env", "LIST=one\ntwo", "--env", "NOTHING=", "id1", ...words.with(4, "$HOME")],
  ]);
});

test("a plain container whose successors are slots is told what these would be, and has their time to stop", () => {
  const slot = { "web-slot": { pre_stop: [{ command: ["bye"] }] }, other: { pre_stop: [{ command: "no" }] } };
  const calls = callsOf(slot, (release) => `plain=(p1,running,no); displace_plain ${release} web`);
  expect(calls).toEqual([
    ["exec", "id1", "bye"],
    ["update", "--restart", "no", "p1"],
    ["stop", "--time", "60", "p1"],
  ]);
});
