import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { ComposeService } from "../../../src/lib/release/model.ts";
import { farewellsText } from "../../../src/lib/release/stopping.ts";

const parts = new URL("../../../scripts/environment-deployment-management/", import.meta.url).pathname;

/** What docker is called with before the containers of `web` stop, each call as its words. */
function callsOf(services: Record<string, ComposeService>): string[][] {
  const release = mkdtempSync(join(tmpdir(), "coldtivate-farewells-"));
  onTestFinished(() => rmSync(release, { recursive: true }));
  writeFileSync(join(release, "farewells"), farewellsText(services));
  const script = `
    set -Eeuo pipefail; shopt -s inherit_errexit
    source ${parts}engine.sh
    containers() { printf 'id1\\n'; }
    engine() { printf '%s\\0' "$@" >>${release}/calls; printf '\\0\\0' >>${release}/calls; }
    log_lines() { cat; }
    say_goodbye web ${release}
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
