import { describe, expect, test } from "vitest";
import { mark } from "../../../src/lib/adapters/ssh/remote-shell.ts";
import { Output, TooMuch } from "../../../src/lib/adapters/ssh/ssh-output.ts";

function listenTo(awaitsMark = false, limit = 1000) {
  const failures: Error[] = [];
  const lines: string[] = [];
  const output = new Output(awaitsMark, limit, (error) => failures.push(error));
  return { output, failures, lines, onLine: (line: string) => void lines.push(line) };
}

const bytes = (text: string | Buffer) => [...Buffer.from(text)].map((byte) => Buffer.of(byte));

describe("what a command says", () => {
  test("is found behind the mark, byte by byte, and what came before it is not", () => {
    const { output, lines, onLine } = listenTo(true);
    output.listen(1000, onLine);
    for (const byte of bytes(
      Buffer.concat([Buffer.from(`Welcome\n${mark.toString().slice(0, 5)}`), mark, Buffer.from("one\r\ntwö\nthree")]),
    ))
      output.say(byte);
    expect(output.result(0)).toEqual({ code: 0, stdout: Buffer.alloc(0), stderr: "" });
    expect(lines).toEqual(["one", "twö", "three"]);
  });

  test("is there for whoever listens only when it has ended", () => {
    const { output, lines, onLine } = listenTo(true);
    output.say(Buffer.concat([mark, Buffer.from("one\ntwo")]));
    expect(output.result(0).stdout.toString()).toBe("one\ntwo");
    output.listen(1000, onLine);
    expect(lines).toEqual(["one", "two"]);
  });

  test("is given up at the first byte too many, and not listened to any more", () => {
    const { output, failures } = listenTo();
    output.listen(10, undefined);
    output.say(Buffer.alloc(10));
    expect(failures).toEqual([]);
    output.say(Buffer.alloc(1));
    output.say(Buffer.alloc(1));
    expect(failures).toEqual([expect.any(TooMuch)]);
    expect(output.result(0).stdout.length).toBe(0);
  });

  test("is given up where somebody listens who allows less", () => {
    const { output, failures } = listenTo();
    output.say(Buffer.alloc(100));
    output.listen(10, undefined);
    expect(failures).toEqual([expect.any(TooMuch)]);
  });

  test("is given up where a login shell does not stop", () => {
    const { output, failures } = listenTo(true, 10_000_000);
    for (let part = 0; part < 5; part++) output.say(Buffer.alloc(64 * 1024));
    expect(failures).toEqual([expect.any(TooMuch)]);
  });

  test("is given up where a line does not end", () => {
    const { output, failures, onLine } = listenTo(false, 100_000_000);
    output.listen(100_000_000, onLine);
    for (let part = 0; part < 9; part++) output.say(Buffer.alloc(1024 * 1024, "x"));
    expect(failures).toEqual([expect.any(TooMuch)]);
  });

  test("ends with whoever cannot read its lines", () => {
    const { output, failures } = listenTo();
    output.listen(1000, () => {
      throw new Error("no");
    });
    output.say(Buffer.from("a\nb\n"));
    expect(failures).toEqual([new Error("no")]);
    expect(output.failure).toEqual(new Error("no"));
  });

  test("has the last of its complaints", () => {
    const { output } = listenTo();
    for (let part = 0; part < 1000; part++) output.complain(Buffer.from(`${String(part).padStart(1000)}\n`));
    const { stderr } = output.result(1);
    expect(stderr.length).toBe(256 * 1024);
    expect(stderr.trimEnd().endsWith("999")).toBe(true);
  });
});
