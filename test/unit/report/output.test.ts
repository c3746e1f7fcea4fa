import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import { flushOutput, guardOutput, writeFrame } from "../../../src/lib/report/output.ts";

const secret = new Secret('sw0rd "fish" $x').reveal();

/** A guarded stream, and what has come out of it. */
function guarded() {
  let text = "";
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  const unguarded = stream.write.bind(stream);
  guardOutput([stream]);
  return { stream, unguarded, shown: () => text };
}

test("a secret that is written in pieces is not seen, wherever it is cut", async () => {
  for (const written of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]) {
    for (let cut = 1; cut < written.length; cut++) {
      const { stream, shown } = guarded();
      stream.write(`it is ${written.slice(0, cut)}`);
      stream.write(`${written.slice(cut)}, no more\n`);
      await flushOutput([stream]);
      expect(shown()).toBe("it is ***, no more\n");
    }
  }
});

test("nor letter by letter, nor as bytes", async () => {
  const { stream, shown } = guarded();
  for (const letter of `it is ${secret}, ${Buffer.from(secret).toString("base64")}\n`) stream.write(Buffer.from(letter));
  await flushOutput([stream]);
  expect(shown()).toBe("it is ***, ***\n");
});

test("what only looked like the beginning of one is written with what follows, or in the end", async () => {
  const { stream, shown } = guarded();
  stream.write("the sw");
  expect(shown()).toBe("the ");
  stream.write("an, ");
  expect(shown()).toBe("the swan, ");
  stream.write("sw0rd");
  expect(shown()).toBe("the swan, ");
  await flushOutput([stream]);
  expect(shown()).toBe("the swan, sw0rd");
});

test("a question is seen at once", () => {
  const { stream, shown } = guarded();
  stream.write("Deploy to production? [y/N] ");
  expect(shown()).toBe("Deploy to production? [y/N] ");
});

test("no sequence passes, in however many pieces it comes, but our colours", async () => {
  const { stream, shown } = guarded();
  for (const piece of ["a\u001B", "[2Kb\u001B[1", "Ac\u001B[3", "1md", "\u001B", "[39m\r", "\ne\u009B0mf\n"]) stream.write(piece);
  stream.write(Buffer.from([0x67, 0xc2]));
  stream.write(Buffer.from([0x9b, 0x31, 0x6d, 0x9b, 0x0a]));
  await flushOutput([stream]);
  expect(shown()).toBe("abc\u001B[31md\u001B[39m\nef\ng\uFFFD\n");
});

test("a frame may move on the screen, and shows no secret", () => {
  const { stream, unguarded, shown } = guarded();
  writeFrame(stream, `\u001B[?2026h\u001B[2K\u001B[1A\u001B[G${secret}\u001B[K\u001B]0;x\u0007\u001B[?25l\n`, unguarded);
  expect(shown()).toBe("\u001B[?2026h\u001B[2K\u001B[1A\u001B[G***\u001B[K]0;x\u001B[?25l\n");
});

test("whoever waits for what was written is told, though it is held back", async () => {
  const { stream } = guarded();
  await new Promise<void>((resolve, reject) => void stream.write("sw0rd", (error) => (error ? reject(error) : resolve())));
});
