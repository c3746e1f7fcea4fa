import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { redactor } from "../../../src/lib/secrets/redactor.ts";
import { flushOutput, guardOutput } from "../../../src/lib/report/output.ts";

const secrets = [`s3cr/t+'odd'&more$doll\\"ar`, "pä ss wörd %25 ümläut", "line-one-xyz\nline-two-abc"];
for (const value of secrets) redactor.add(value);

const bytesOf = (text: string) => Array.from(Buffer.from(text));
const padded = (number: number, radix: number, width: number) => number.toString(radix).padStart(width, "0");
const html: Record<string, string> = { "&": "&amp;", "<": "&lt;", '"': "&quot;", "'": "&#39;" };

/** How programs write a text, within something that is none of it. */
const forms: Record<string, (text: string) => string> = {
  "as it is": (text) => text,
  "JSON in JSON": (text) => JSON.stringify(JSON.stringify(text)).slice(3, -3),
  "JSON in ASCII": (text) => JSON.stringify(text).replaceAll(/[^\x20-\x7e]|[&<>]/g, (c) => `\\u${padded(c.charCodeAt(0), 16, 4)}`),
  addresses: encodeURIComponent,
  "addresses, in small letters": (text) => encodeURIComponent(text).replaceAll(/%../g, (code) => code.toLowerCase()),
  "addresses in addresses": (text) => encodeURIComponent(encodeURIComponent(text)),
  forms: (text) => String(new URLSearchParams({ a: text })).slice(2),
  "YAML's single quotes": (text) => text.replaceAll("'", "''"),
  "Compose files": (text) => text.replaceAll("$", "$$$$"),
  HTML: (text) => text.replaceAll(/[&<"']/g, (letter) => html[letter]!),
  "shells' quotes": (text) => text.replaceAll("'", String.raw`'\''`),
  "bytes of Python": (text) =>
    bytesOf(text)
      .map((byte) => (byte < 32 || byte > 126 || byte === 92 ? `\\x${padded(byte, 16, 2)}` : String.fromCharCode(byte)))
      .join(""),
  "octal digits": (text) =>
    bytesOf(text)
      .map((byte) => (byte < 32 || byte > 126 || byte === 92 ? `\\${padded(byte, 8, 3)}` : String.fromCharCode(byte)))
      .join(""),
  base64: (text) => Buffer.from(text).toString("base64"),
  "base64 of more": (text) => Buffer.from(`ab${text}cd`).toString("base64url"),
  hexadecimal: (text) => Buffer.from(text).toString("hex"),
  "a colour within": (text) => `\u001B[31m${text.slice(0, 4)}\u001B[39m${text.slice(4)}`,
};

async function shownOf(...pieces: string[]): Promise<string> {
  let text = "";
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  guardOutput([stream]);
  for (const piece of pieces) stream.write(piece);
  await flushOutput([stream]);
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/\u001B\[\d+m/g, "");
}

/** Each form is cut at every fourth place, beginning with another one; and letter by letter, which is everywhere. */
const stride = 4;

test.each(Object.entries(forms))("written as %s, no part of a secret is seen, wherever it is cut", async (name, write) => {
  const first = Object.keys(forms).indexOf(name) % stride;
  for (const value of secrets) {
    const written = write(value);
    // oxlint-disable-next-line no-control-regex
    const plain = written.replaceAll(/\u001B\[\d+m/g, "");
    const parts = Array.from({ length: plain.length - 7 }, (_, at) => plain.slice(at, at + 8));
    const expectHidden = (shown: string, how: string) =>
      expect({ how, seen: parts.filter((part) => shown.includes(part)) }).toEqual({ how, seen: [] });
    for (let cut = first; cut < written.length; cut += stride)
      expectHidden(await shownOf(`it is ${written.slice(0, cut)}`, `${written.slice(cut)}, no more\n`), `cut at ${cut}`);
    expectHidden(await shownOf(...Array.from(`it is ${written}, no more\n`)), "letter by letter");
  }
});

test("where YAML folds a long text, it is the same one", async () => {
  const [, value = ""] = secrets;
  for (const fold of ["\n  ", "\\\n  \\ ", " \\\n   ", "\r\n\t"])
    expect(await shownOf(`key: "${value.replaceAll(" ", fold)}"\n`)).toBe('key: "***"\n');
});

test("hexadecimal digits that stand apart are found in pieces, but for the last few bytes", async () => {
  const written = Buffer.from(secrets[0]!)
    .toString("hex")
    .replaceAll(/..(?=.)/g, "$&:");
  for (let cut = 1; cut < written.length; cut += stride) {
    const shown = await shownOf(`it is ${written.slice(0, cut)}`, `${written.slice(cut)} no more\n`);
    expect(shown.replaceAll(/[^0-9a-f:]/g, "").length).toBeLessThan(24);
  }
});

test("questions are seen to their end", async () => {
  for (const question of ["Go on? [y/N] ", "Passphrase of /home/a/.ssh/id_ed: ", "Which speed: ", "Add: ", "50% of "])
    expect(await unflushed(question)).toBe(question);
});

/** What is seen of a text before anything else is written. */
async function unflushed(text: string): Promise<string> {
  let seen = "";
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      seen += chunk.toString();
      done();
    },
  });
  guardOutput([stream]);
  await new Promise((resolve) => void stream.write(text, resolve));
  return seen;
}
