import { describe, expect, test } from "vitest";
import { clean, cleanData, redactAround } from "../../../src/lib/report/clean.ts";
import { withoutControls, withoutForeignControls } from "../../../src/lib/report/controls.ts";
import { Secret } from "../../../src/lib/secrets/secret.ts";

const escape = "\u001B";
const attacks: [string, string, string][] = [
  ["a colour", `${escape}[31mred${escape}[0m`, "red"],
  ["hidden text", `${escape}[8mhidden${escape}[28m`, "hidden"],
  ["a cursor that moves up and erases", `- db${escape}[1A${escape}[2K`, "- db"],
  ["the clipboard (OSC 52)", `${escape}]52;c;ZXZpbA==\u0007`, "]52;c;ZXZpbA=="],
  ["a title that ends with ST", `${escape}]0;x${escape}\\`, "]0;x\\"],
  ["a request that the terminal answers", `${escape}[c${escape}[6n${escape}P$q"p${escape}\\`, 'P$q"p\\'],
  ["a line that overwrites itself", "remove db\rkeep db  ", "remove dbkeep db  "],
  ["backspaces", "evil\b\b\b\bgood", "evilgood"],
  ["C1 as one character", "\u009B31mred\u009D52;c;x\u009C \u0085next", "red52;c;x next"],
  ["C1 in the UTF-8 of a buffer", Buffer.from([0x61, 0xc2, 0x9b, 0x33, 0x31, 0x6d, 0x62]).toString(), "ab"],
  ["a text that runs backwards", "a\u202Eb\u2066c\u2069d", "abcd"],
  ["DEL, NUL and a bell", "a\u007Fb\u0000c\u0007d", "abcd"],
];

test.each(attacks)("%s does not reach the terminal", (_what, text, shown) => {
  expect(withoutControls(text)).toBe(shown);
});

test("newlines, tabs and the letters of people stay", () => {
  const text = "one\n\ttwo: Käse, 日本, 🧀, é, \u00A0";
  expect(withoutControls(text)).toBe(text);
});

test("what is put together already keeps our own colours and marks, and no others", () => {
  const ours = `${escape}[31mfailed${escape}[39m ${escape}[1mx${escape}[22m ${escape}[4my${escape}[24m`;
  const section = `section_start:17:build_web[collapsed=true]\r${escape}[0K12:00 web\n`;
  expect(withoutForeignControls(`${ours}\n${section}`)).toBe(`${ours}\n${section}`);
  expect(withoutForeignControls(`${escape}[8mx${escape}[40m y${escape}[2K\r${escape}[0K`)).toBe("x y");
  expect(withoutForeignControls(`${escape}[2K${escape}[1A${escape}]0;x\u0007`, true)).toBe(`${escape}[2K${escape}[1A]0;x`);
});

describe("secrets that are split", () => {
  const secret = new Secret("hunter2-hunter2").reveal();

  test.each([
    ["by colours", `hunter2${escape}[31m-hunter2`],
    ["by others' sequences", `hunt${escape}[5Cer2-${escape}[Khunter2`],
    ["by NUL", Array.from(secret).join("\u0000")],
    ["by an overwriting return", "hunter2\r-hunter2"],
  ])("%s are found", (_how, text) => {
    expect(clean(`it is ${text}.`)).toBe("it is ***.");
  });

  test("by colours of our own are found, and the colours stay", () => {
    expect(redactAround(`a ${escape}[1mhunter2${escape}[22m-hunter2 b`)).toBe(`a ${escape}[1m***${escape}[22m b`);
    expect(redactAround(`${escape}[1mweb${escape}[22m`)).toBe(`${escape}[1mweb${escape}[22m`);
  });

  test("no document has any, in values or in names", () => {
    const data = cleanData({
      [`a ${escape}[0m${secret}`]: [`${escape}[1A${secret}`, { deep: `x\u009B0m${secret}` }],
      count: 1,
      none: null,
    });
    expect(data).toEqual({ "a ***": ["***", { deep: "x***" }], count: 1, none: null });
  });
});
