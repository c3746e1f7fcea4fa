import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const parts = new URL("../../../scripts/environment-deployment-management", import.meta.url).pathname;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "coldtivate-follow-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Follows a journal to its end; gives what is printed, a line each. */
function follow(journal: readonly string[], reader: "cli" | "person"): string[] {
  writeFileSync(join(dir, "journal"), journal.map((line) => `${line}\n`).join(""));
  const command = `
    set -Eeuo pipefail
    dir=${dir} release=r1 journal=${dir}/journal reader=${reader}
    source ${parts}/journal.sh
    source ${parts}/coordination.sh
    sign_of_life() { echo "somebody was heard"; }
    follow '' yes < <(yes here)`;
  return execFileSync("bash", ["-c", command], { encoding: "utf8" }).split("\n").slice(0, -1);
}

test("who follows a task that writes faster than that is heard all the same", () => {
  const log = Array.from({ length: 1000 }, (_, line) => `1\t2\tlog\tline ${line}`);
  const told = follow([...log, "1\t0\tfinished\t"], "cli");
  expect(told.slice(0, 900)).toContain("somebody was heard");
  expect(told.filter((line) => line !== "somebody was heard")).toEqual([...log, "1\t0\tfinished\t"]);
});

test("a person gets the time, the state and what was said", () => {
  const told = follow(["0\t1\tseen\twas:web=blue", "0\t1\tlog\ta word", "0\t0\tfinished\t"], "person");
  expect(told.map((line) => line.replace(/^\S+ +/, "").trimEnd())).toEqual(["|         a word", "finished"]);
});

test("what a task writes is told without what a terminal obeys, and no word of it is torn apart", () => {
  const command = `
    set -Eeuo pipefail
    step=2 journal=${dir}/journal
    source ${parts}/journal.sh
    printf '%b' 'hun\\e[31mter\\e[0m\\t2\\e]52;c;x\\a\\r\\n\\e[1A\\e[2Klast' | log_lines
    tell 2 failed "$(printf '%b' 'exited\\e[2K\\nwith 1')"
    printf '%s\\n' "\${journal_facts[2/failed]}"`;
  expect(execFileSync("bash", ["-c", command], { encoding: "utf8" })).toBe("exited with 1\n");
  const written = readFileSync(join(dir, "journal"), "utf8").replaceAll(/^\d+/gm, "1");
  expect(written).toBe("1\t2\tlog\thunter 2]52;c;x\n1\t2\tlog\tlast\n1\t2\tfailed\texited with 1\n");
});
