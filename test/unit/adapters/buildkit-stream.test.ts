import { expect, test } from "vitest";
import { readBuildStream } from "../../../src/lib/adapters/buildkit/buildkit-stream.ts";

const record = {
  vertexes: [{ digest: "sha256:1f", inputs: ["sha256:aa"], name: "[web 1/2] RUN {\n}", started: "2026-01-01T00:00:00Z" }],
  logs: [{ vertex: "sha256:1f", stream: 1, data: Buffer.from("hé\n").toString("base64"), timestamp: "2026-01-01T00:00:00Z" }],
};
const status = {
  vertexes: [{ digest: "sha256:1f", name: "[web 1/2] RUN {\n}", started: "2026-01-01T00:00:00Z" }],
  logs: [{ vertex: "sha256:1f", text: "hé\n" }],
};

test.each([
  ["spread over lines", JSON.stringify(record, undefined, 2)],
  ["one a line", JSON.stringify(record)],
])("records %s are read, and the text between them is kept", (_, text) => {
  const read = readBuildStream();
  const results = [...text.split("\n"), "ERROR: failed to solve: no", ...text.split("\n"), '{ "not": "closed"'].map(read);
  expect(results.filter((result) => Object.keys(result).length > 0)).toEqual([
    { status },
    { text: "ERROR: failed to solve: no" },
    // The same output once more, as of another image that has this step, too.
    { status: { ...status, logs: [] } },
    { text: '{ "not": "closed"' },
  ]);
});

test("records of another kind mean nothing", () => {
  expect(readBuildStream()('{"statuses":[],"warnings":null}')).toEqual({ status: { vertexes: [], logs: [] } });
});

test("a character that comes in two pieces is one", () => {
  const read = readBuildStream();
  const bytes = Buffer.from("hé\n");
  const texts = [bytes.subarray(0, 2), bytes.subarray(2)].map((piece, second) => {
    const log = { vertex: "sha256:1f", stream: 1, data: piece.toString("base64"), timestamp: `2026-01-01T00:00:0${second}Z` };
    return read(JSON.stringify({ logs: [log] })).status?.logs[0]?.text;
  });
  expect(texts.join("")).toBe("hé\n");
});

test("a manifest that was sent is told with its name and digest, and bytes are not", () => {
  const digest = `sha256:${"1f".repeat(32)}`;
  const at = "2026-01-01T00:00:00Z";
  const statuses = [
    { id: `pushing manifest for r:5000/web:main@${digest}`, vertex: "sha256:1f", current: 0, completed: at },
    { id: `pushing manifest for r:5000/web:1234abcd@${digest}`, vertex: "sha256:1f", current: 0 },
    { id: "pushing layers", vertex: "sha256:1f", current: 7, completed: at },
  ];
  const read = readBuildStream();
  expect(read(JSON.stringify({ statuses }))).toEqual({
    status: { vertexes: [], logs: [], sent: [{ reference: "r:5000/web:main", digest }] },
  });
  expect(read(JSON.stringify({ statuses: statuses.slice(2) }))).toEqual({ status: { vertexes: [], logs: [] } });
});
