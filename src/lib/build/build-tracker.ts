import type { ProgressEvent, Section } from "../report/progress.ts";
import type { BuildPlan } from "../images/build-plan.ts";
import { bakeTargets } from "../images/bake-definition.ts";
import { readStep, type BuildStatus, type Step, type Vertex } from "../images/build-status.ts";

/** How an image's build went. */
export interface BuildRecord {
  name: string;
  /** Between its first step's start and its last one's end, in milliseconds. */
  milliseconds: number;
  /** Steps of its Dockerfile that ran or were found in a cache. */
  steps: number;
  cachedSteps: number;
  /** The step that failed, and why. */
  failure?: { step: string; error: string; lastLines: string[] };
}

/** Steps that are over before anyone has read their name. */
const quiet = new Set<Step["kind"]>(["other", "cache-import"]);

/** Lines of a failed step that are worth showing. */
const shownLines = 20;

interface Progress extends BuildRecord {
  first: number;
  seen: Map<string, Vertex>;
  /** Whether each step that has ended came out of a cache. */
  found: Map<string, boolean>;
  /** The last lines of each step. */
  lines: Map<string, string[]>;
  /** Tags that were pushed. */
  pushed: number;
  state: "waiting" | "running" | "done" | "failed";
}

/** The rows that a build shows: one an image. */
export function buildSection({ images, output }: BuildPlan): Section {
  const title = output === "push" ? "Build and push" : "Build";
  return { id: "build", title, rows: images.map(({ name }) => ({ id: rowOf(name), title: name })) };
}

/** Follows BuildKit's messages and says what they mean for each image. Times come from the messages. */
export function trackBuild(plan: BuildPlan) {
  const images = new Map([...bakeTargets(plan)].map(([name, target]) => [target, createProgress(name)]));
  const single = images.size === 1;
  const owners = new Map<string, Progress>();
  const tags = new Map(plan.images.map((image) => [image.name, image.tags.length]));

  const ownerOf = ({ target, title }: Step) => {
    if (title.startsWith("load local bake definitions")) return undefined;
    return single ? [...images.values()][0] : images.get(target ?? "");
  };

  const takeVertex = (vertex: Vertex): ProgressEvent[] => {
    const step = readStep(vertex.name, single);
    const image = ownerOf(step);
    if (image === undefined) return [];
    owners.set(vertex.digest, image);
    const before = image.seen.get(vertex.digest);
    image.seen.set(vertex.digest, vertex);
    measure(image, vertex);
    if (step.kind === "step") count(image, step, vertex);
    if (step.kind === "push" && vertex.completed && !before?.completed && !vertex.error) image.pushed++;
    return [...begin(image, before, vertex, step), ...end(image, before, vertex, step)];
  };

  const begin = (image: Progress, before: Vertex | undefined, vertex: Vertex, step: Step): ProgressEvent[] => {
    if (vertex.started === undefined || before?.started !== undefined || image.state === "done" || image.state === "failed") return [];
    const row = rowOf(image.name);
    if (image.state === "waiting") {
      image.state = "running";
      return [{ type: "started", row, text: step.title }];
    }
    return vertex.cached || quiet.has(step.kind) ? [] : [{ type: "updated", row, text: step.title }];
  };

  const end = (image: Progress, before: Vertex | undefined, vertex: Vertex, step: Step): ProgressEvent[] => {
    if (vertex.completed === undefined || before?.completed !== undefined) return [];
    const row = rowOf(image.name);
    if (vertex.error) return fail(image, step, vertex);
    const complete = plan.output === "load" ? step.kind === "export" : step.kind === "push" && image.pushed === tags.get(image.name);
    if (!complete || image.state !== "running") return [];
    image.state = "done";
    return [{ type: "done", row, text: summarise(image, plan.output) }];
  };

  const fail = (image: Progress, step: Step, { digest, error = "" }: Vertex): ProgressEvent[] => {
    if (/context canceled|\bCanceled\b/.test(error) || step.kind === "cache-import" || image.state === "failed") return [];
    if (step.kind === "cache-export") return [{ type: "warning", text: `${image.name}: the layer cache was not kept: ${error}` }];
    image.state = "failed";
    image.failure = { step: step.title, error, lastLines: image.lines.get(digest) ?? [] };
    return [{ type: "failed", row: rowOf(image.name), text: step.title }];
  };

  return {
    /** What a message means for the display. */
    take({ vertexes, logs }: BuildStatus): ProgressEvent[] {
      const events = vertexes.flatMap(takeVertex);
      const output = logs.flatMap(({ vertex, text }) => {
        const image = owners.get(vertex);
        if (image === undefined) return [];
        const lines = linesOf(text);
        image.lines.set(vertex, [...(image.lines.get(vertex) ?? []), ...lines].slice(-shownLines));
        return lines.map((line): ProgressEvent => ({ type: "output", row: rowOf(image.name), line }));
      });
      return [...output, ...events];
    },
    /** The rows' ends, once the build is over. */
    finish(succeeded: boolean): ProgressEvent[] {
      return [...images.values()].flatMap((image): ProgressEvent[] => {
        const row = rowOf(image.name);
        if (image.state === "done" || image.state === "failed") return [];
        if (!succeeded) return [{ type: "skipped", row, text: "stopped" }];
        image.state = "done";
        return [{ type: "done", row, text: summarise(image, plan.output) }];
      });
    },
    records: (): BuildRecord[] =>
      [...images.values()].map(({ name, milliseconds, steps, cachedSteps, failure }) => ({
        name,
        milliseconds,
        steps,
        cachedSteps,
        ...(failure && { failure }),
      })),
  };
}

function rowOf(name: string): string {
  return `build:${name}`;
}

function createProgress(name: string): Progress {
  return {
    name,
    milliseconds: 0,
    steps: 0,
    cachedSteps: 0,
    first: Infinity,
    seen: new Map(),
    found: new Map(),
    lines: new Map(),
    pushed: 0,
    state: "waiting",
  };
}

function measure(image: Progress, { started, completed }: Vertex): void {
  if (started !== undefined) image.first = Math.min(image.first, Date.parse(started));
  if (completed !== undefined) image.milliseconds = Math.max(image.milliseconds, Date.parse(completed) - image.first);
}

/** A layer that comes out of a cache can turn up twice under one name: found, then unpacked. */
function count(image: Progress, { title }: Step, { completed, cached }: Vertex): void {
  if (completed === undefined) return;
  image.found.set(title, cached === true || image.found.get(title) === true);
  image.steps = image.found.size;
  image.cachedSteps = [...image.found.values()].filter(Boolean).length;
}

function summarise({ steps, cachedSteps }: BuildRecord, output: BuildPlan["output"]): string {
  const verb = output === "push" ? "pushed" : "built";
  if (steps === 0 || cachedSteps === 0) return verb;
  return steps === cachedSteps ? `${verb}, all of it cached` : `${verb}, ${cachedSteps} of ${steps} steps cached`;
}

function linesOf(text: string): string[] {
  return text.split(/\r?\n|\r/).filter((line) => line.trim() !== "");
}
