import { expect, test } from "vitest";
import { buildSection, trackBuild } from "../../../src/lib/builds/run/build-tracker.ts";
import type { BuildPlan } from "../../../src/lib/images/build-plan.ts";
import type { BuildStatus, Vertex } from "../../../src/lib/images/build-status.ts";
import type { ProgressEvent } from "../../../src/lib/report/progress.ts";
import { planOf } from "./plan.ts";

const plan = (output: BuildPlan["output"], ...names: string[]) => planOf(names, output);

const at = (second: number) => `2026-01-01T00:00:0${second}.000000000Z`;
const running = (name: string, second = 0): Vertex => ({ digest: `sha256:${name}`, name, started: at(second) });
const ended = (name: string, second = 1, more: Partial<Vertex> = {}): Vertex => ({ ...running(name), completed: at(second), ...more });

function follow(over: BuildPlan, vertexes: Vertex[]) {
  const tracker = trackBuild(over);
  const lines = (events: ProgressEvent[]) => events.map((event) => Object.values(event).join(" "));
  return { tracker, lines, shown: lines(vertexes.flatMap((vertex) => tracker.take({ vertexes: [vertex], logs: [] }))) };
}

test("each image has a row that shows its current step, and how much came out of the cache", () => {
  const over = plan("load", "web", "api");
  expect(buildSection(over).rows).toEqual([
    { id: "build:web", title: "web" },
    { id: "build:api", title: "api" },
  ]);
  const { shown, tracker } = follow(over, [
    running("[internal] load local bake definitions"),
    running("[web internal] load build definition from Dockerfile"),
    running("[web] importing cache manifest from r/web:buildcache"),
    ended("[web] importing cache manifest from r/web:buildcache", 1, { error: "r/web:buildcache: not found" }),
    ended("[web stage-0 1/3] FROM debian@sha256:" + "1f".repeat(32)),
    ended("[web 2/3] RUN one", 1, { cached: true }),
    running("[web builder 3/3] RUN  make \\\n  all"),
    running("[api 1/1] COPY . ."),
    ended("[web builder 3/3] RUN  make \\\n  all", 4),
    running("[web] exporting to image", 4),
    ended("[web] exporting to image", 5),
  ]);
  expect(shown).toEqual([
    "started build:web load build definition from Dockerfile",
    "updated build:web 1/3 FROM debian",
    "updated build:web builder 3/3 RUN make \\ all",
    "started build:api 1/1 COPY . .",
    "updated build:web exporting to image",
    "done build:web built, 1 of 2 steps cached",
  ]);
  expect(tracker.finish(true)).toEqual([{ type: "done", row: "build:api", text: "built" }]);
  expect(tracker.records()[0]).toEqual({ name: "web", milliseconds: 5000, steps: 2, cachedSteps: 1 });
});

test("a push is done once every name of the image is in the registry", () => {
  const { shown } = follow(plan("push", "web", "api"), [
    ended("[web 1/1] COPY . .", 1, { cached: true }),
    ended("[web] exporting to image"),
    ended("[web] pushing r/web:main with docker"),
    ended("[web] pushing r/web:1f000000 with docker"),
  ]);
  expect(shown.at(-1)).toBe("done build:web pushed, all of it cached");
  expect(shown.filter((line) => line.startsWith("done"))).toHaveLength(1);
});

test("with a builder that pushes by itself an image is done once it is exported, and its names are sent", () => {
  const over = { ...plan("push", "web", "api"), pusher: "embedded" as const };
  const sent = ["r/web:main", "r/web:1f000000"].map((reference) => ({ reference, digest: "sha256:1f" }));
  const of = (tracker: ReturnType<typeof trackBuild>, ...parts: BuildStatus[]) =>
    parts.flatMap((part) => tracker.take(part)).map((event) => event.type);
  const exported = { vertexes: [ended("[web] exporting to image")], logs: [] };
  const sending = { vertexes: [], logs: [], sent };
  expect(of(trackBuild(over), { vertexes: [running("[web] exporting to image")], logs: [] }, sending, exported)).toEqual([
    "started",
    "done",
  ]);
  // BuildKit 0.29 pushes after the step's end, and has it go on for that.
  const again = { vertexes: [running("[web] exporting to image", 2)], logs: [] };
  expect(of(trackBuild(over), exported, again, sending, exported)).toEqual(["started", "done"]);
  const refused = { vertexes: [ended("[web] exporting to image", 3, { error: "401" })], logs: [] };
  expect(of(trackBuild(over), exported, again, refused)).toEqual(["started", "failed"]);
});

test("a single image's steps carry no target, and are its own", () => {
  const { shown } = follow(plan("load", "web"), [running("[internal] load build context"), running("[builder 2/4] RUN make")]);
  expect(shown).toEqual(["started build:web load build context", "updated build:web builder 2/4 RUN make"]);
});

test("the step that failed is named once, with its last lines; what it takes along is stopped", () => {
  const { tracker, lines, shown } = follow(plan("load", "web", "api"), [running("[web 1/1] RUN false"), running("[api 1/1] RUN true")]);
  expect(shown).toHaveLength(2);
  const noise = Array.from({ length: 30 }, (_, index) => `line ${index}`).join("\r\n");
  const output = tracker.take({ vertexes: [], logs: [{ vertex: "sha256:[web 1/1] RUN false", text: `${noise}\n` }] });
  expect(output).toHaveLength(30);
  const error = 'process "/bin/sh -c false" did not complete successfully: exit code: 1';
  const failed = tracker.take({
    vertexes: [ended("[web 1/1] RUN false", 1, { error }), ended("[api 1/1] RUN true", 1, { error: "context canceled" })],
    logs: [],
  });
  expect(lines(failed)).toEqual([expect.stringMatching(/^failed build:web 1\/1 RUN false line 10,.*,line 29$/)]);
  expect(lines(tracker.finish(false))).toEqual(["skipped build:api stopped"]);
  const [record] = tracker.records();
  expect(record?.failure).toMatchObject({ step: "1/1 RUN false", error });
  expect(record?.failure?.lastLines).toHaveLength(20);
  expect(record?.failure?.lastLines.at(-1)).toBe("line 29");
});

const said = (vertex: string, text: string) => ({ vertex: `sha256:${vertex}`, text });

test("a step that is over soon has its beginning, its output and its end in one message", () => {
  const step = "[web 2/2] RUN false";
  const tracker = trackBuild(plan("load", "web", "api"));
  const events = tracker.take({
    vertexes: [ended(step, 1, { error: "exit code: 1" })],
    logs: [said(step, "one\ntwo\nthr"), said(step, "ee")],
  });
  expect(events).toEqual([
    { type: "started", row: "build:web", text: "2/2 RUN false" },
    { type: "output", row: "build:web", line: "one" },
    { type: "output", row: "build:web", line: "two" },
    { type: "output", row: "build:web", line: "three" },
    { type: "failed", row: "build:web", text: "2/2 RUN false", output: ["one", "two", "three"] },
  ]);
});

test("output that comes after the step's end counts, and what else runs for the image does not", () => {
  const [step, other] = ["[web a 2/2] RUN false", "[web b 2/2] RUN true"];
  const tracker = trackBuild(plan("load", "web", "api"));
  tracker.take({ vertexes: [running(step), running(other)], logs: [said(other, "other\n"), said(step, "first\n")] });
  const failed = tracker.take({ vertexes: [ended(step, 1, { error: "exit code: 1" })], logs: [] });
  expect(failed).toMatchObject([{ type: "failed", output: ["first"] }]);
  const late = tracker.take({ vertexes: [], logs: [said(other, "more\n"), said(step, "last\n")] });
  expect(late).toEqual([{ type: "output", row: "build:web", line: "last" }]);
  expect(tracker.records()[0]?.failure).toMatchObject({ place: { stage: "a", number: 2, total: 2 }, lastLines: ["first", "last"] });
});

test("of a line that overwrites itself the end counts", () => {
  const step = "[web 2/2] RUN curl";
  const tracker = trackBuild(plan("load", "web", "api"));
  const pieces = ["10 %\r20", " %\r3", "0 %\r", "\nnext\r\n"].map((text) => said(step, text));
  const lines = tracker.take({ vertexes: [running(step)], logs: pieces }).flatMap((event) => (event.type === "output" ? event.line : []));
  expect(lines).toEqual(["30 %", "next"]);
});

test("a step that two images have in common fails for both, and its lines are shown once", () => {
  const both = ["[web 2/2] RUN false", "[api 2/2] RUN false"].map((name) =>
    ended(name, 1, { digest: "sha256:same", error: "exit code: 1" }),
  );
  const tracker = trackBuild(plan("load", "web", "api"));
  const events = tracker.take({ vertexes: both, logs: [said("same", "why\n")] });
  expect(events.filter(({ type }) => type === "output")).toEqual([{ type: "output", row: "build:web", line: "why" }]);
  expect(events.filter(({ type }) => type === "failed")).toMatchObject([{ output: ["why"] }, { output: [] }]);
  expect(tracker.records().map(({ failure }) => failure?.sameAs)).toEqual([undefined, "web"]);
});

test("a cache that cannot be kept is a warning", () => {
  const { shown, tracker } = follow(plan("push", "web"), [
    ended("exporting to image"),
    ended("exporting cache to registry", 1, { error: "403 Forbidden" }),
  ]);
  expect(shown.at(-1)).toBe("warning web: the layer cache was not kept: 403 Forbidden");
  expect(tracker.finish(true)).toMatchObject([{ type: "done" }]);
});
