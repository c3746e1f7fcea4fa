import { expect, test } from "vitest";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import { createGitlabReporter } from "../../../src/lib/report/reporters/gitlab.ts";
import { createPalette } from "../../../src/lib/report/palette.ts";
import { createPlainReporter, type LineOptions } from "../../../src/lib/report/reporters/plain.ts";
import type { ProgressEvent, ScreenReporter } from "../../../src/lib/report/progress.ts";

const sections = [
  { id: "build", title: "build", rows: [{ id: "web", title: "web" }] },
  { id: "staging", title: "staging", rows: [{ id: "pull", title: "pull" }] },
];

/** What a reporter writes; a second passes between the events. */
async function write(create: (options: LineOptions) => ScreenReporter, events: ProgressEvent[]): Promise<string> {
  let text = "";
  let now = new Date(2026, 0, 2, 12, 3, 4).getTime();
  const reporter = create({ write: (part) => (text += part), palette: createPalette(false), now: () => now });
  for (const event of events) {
    reporter.emit(event);
    now += 1000;
  }
  await reporter.close();
  reporter.emit({ type: "note", text: "too late" });
  return text;
}

test("plain lines have a time, aligned names, and how long it took", async () => {
  const text = await write(createPlainReporter, [
    { type: "planned", sections },
    { type: "started", row: "web" },
    { type: "updated", row: "web", text: "2/7 RUN make" },
    { type: "output", row: "web", line: "cc main.c" },
    { type: "done", row: "web", text: "built" },
    { type: "skipped", row: "pull" },
    { type: "failed", row: "pull", text: "no such image" },
    { type: "note", text: "a note" },
    { type: "warning", text: "a caution" },
  ]);
  expect(text.split("\n")).toEqual([
    "12:03:05  build    web   started",
    "12:03:06  build    web   2/7 RUN make",
    "12:03:07  build    web   │ cc main.c",
    "12:03:08  build    web   built (3.0 s)",
    "12:03:09  staging  pull  skipped",
    "12:03:10  staging  pull  failed: no such image (1.0 s)",
    "12:03:11  a note",
    "12:03:12  warning: a caution",
    "",
  ]);
});

test("what was over before it is told has its own times", async () => {
  const text = await write(createPlainReporter, [
    { type: "planned", sections: sections.slice(0, 1) },
    { type: "started", row: "web", ago: 61_000 },
    { type: "updated", row: "web", text: "2/7 RUN make", ago: 60_000 },
    { type: "done", row: "web", ago: 2000 },
    { type: "started", row: "test", ago: 3000 },
    { type: "done", row: "test" },
  ]);
  expect(text.split("\n")).toEqual([
    "12:02:04  web  started",
    "12:02:06  web  2/7 RUN make",
    "12:03:05  web  done (1 m 01 s)",
    "12:03:05  test  started",
    "12:03:09  test  done (4.0 s)",
    "",
  ]);
});

test("one section has no name in plain lines, and a row that nobody planned is shown", async () => {
  const text = await write(createPlainReporter, [
    { type: "planned", sections: sections.slice(0, 1) },
    { type: "started", row: "connect" },
    { type: "done", row: "web" },
  ]);
  expect(text.split("\n")).toEqual(["12:03:05  connect  started", "12:03:06  web      done (0 ms)", ""]);
});

test("GitLab gets a row's output as a section when it ends, open only if it failed", async () => {
  const start = new Date(2026, 0, 2, 12, 3, 5).getTime() / 1000;
  const text = await write(createGitlabReporter, [
    { type: "planned", sections },
    { type: "started", row: "web" },
    { type: "output", row: "web", line: "cc main.c" },
    { type: "started", row: "pull" },
    { type: "output", row: "pull", line: "not found" },
    { type: "done", row: "web", text: "built" },
    { type: "failed", row: "pull" },
  ]);
  expect(text.split("\n")).toEqual([
    "12:03:05  build    web   started",
    "12:03:07  staging  pull  started",
    `section_start:${start}:build_web[collapsed=true]\r\u001B[0K12:03:09  build    web   built (4.0 s)`,
    "cc main.c",
    `section_end:${start + 4}:build_web\r\u001B[0K`,
    `section_start:${start + 2}:staging_pull\r\u001B[0K12:03:10  staging  pull  failed (3.0 s)`,
    "not found",
    `section_end:${start + 5}:staging_pull\r\u001B[0K`,
    "",
  ]);
});

test("output of a row that never ended is not lost in GitLab's log", async () => {
  const text = await write(createGitlabReporter, [
    { type: "started", row: "web" },
    { type: "output", row: "web", line: "the last word" },
  ]);
  expect(text).toContain("the last word");
});

test("no event shows a secret", async () => {
  const secret = new Secret("correct horse battery").reveal();
  const events: ProgressEvent[] = [
    { type: "started", row: "web", text: secret },
    { type: "output", row: "web", line: `password=${secret}` },
    { type: "failed", row: "web", text: secret },
    { type: "note", text: secret },
    { type: "warning", text: secret },
  ];
  for (const create of [createPlainReporter, createGitlabReporter]) expect(await write(create, events)).not.toContain(secret);
});
