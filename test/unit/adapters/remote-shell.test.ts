import { execaSync } from "execa";
import { expect, test } from "vitest";
import { bash, shellWord } from "../../../src/lib/adapters/ssh/remote-shell.ts";

test("a script arrives letter by letter, quotes and all", () => {
  const said = `it's '"$HOME"' \\ and 'more'`;
  const script = `cat <<"END"\n${said}\nEND`;
  expect(execaSync("sh", ["-c", bash(script)]).stdout).toBe(said);
});

test.each(["20261123t095500-1f2e3d4c", "shop-staging", "catch_up", "3600"])("%j is a word", (word) => {
  expect(shellWord(word)).toBe(word);
});

test.each(["", "x; reboot", "$(reboot)", "a b", "a\nb", "x'", "../x", "a/b", "-c", "é", "`id`", "\u001b[2K"])("%j is no word", (word) => {
  expect(() => shellWord(word)).toThrow(expect.objectContaining({ code: "HOST_ANSWER", exit: "refused" }));
});
