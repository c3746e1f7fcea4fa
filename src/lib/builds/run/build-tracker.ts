import type { ProgressEvent, Section } from "../../report/progress.ts";
import type { BuildPlan } from "../../images/build-plan.ts";
import { bakeTargets } from "../../images/bake-definition.ts";
import { readStep, type BuildLog, type BuildStatus, type BuildStep, type Vertex } from "../../images/build-status.ts";
import { countStep, createProgress, measure, summarise, type ImageResult, type Progress, type StepFailure } from "./image-progress.ts";
import { readStepOutput, type StepOutput } from "./step-output.ts";

/** Steps that end before anyone could read their names. */
const quiet = new Set<BuildStep["kind"]>(["other", "cache-import"]);

/** How many lines of a failed step are shown. */
const shownLines = 20;

/** A node of the build, which several images may share. */
interface Output {
  images: Progress[];
  text: StepOutput;
  /** Its last lines. */
  lines: string[];
}

/** A vertex with its image and its previous state. */
interface Taken {
  image: Progress;
  before: Vertex | undefined;
  vertex: Vertex;
  step: BuildStep;
}

/** Whether somebody else gave an image the same name in the engine at the same moment. The next attempt finds it built. */
export function isRace(error: string): boolean {
  return /\bimage ".+": already exists$/.test(error);
}

/** The rows that a build shows, one per image. */
export function buildSection({ images, output }: BuildPlan): Section {
  const title = output === "push" ? "Build and push" : "Build";
  return { id: "build", title, rows: images.map(({ name }) => ({ id: rowOf(name), title: name })) };
}

/** Turns BuildKit's messages into progress events for each image. Times come from the messages. */
export function trackBuild(plan: BuildPlan) {
  const images = new Map([...bakeTargets(plan)].map(([name, target]) => [target, createProgress(name)]));
  const single = images.size === 1;
  const outputs = new Map<string, Output>();
  const tags = new Map(plan.images.map((image) => [image.name, image.tags.length]));
  const enginePushes = plan.output === "push" && plan.pusher === "engine";
  /** Names that a builder still has to push, by image. */
  const unsent = new Map(plan.images.map((image) => [image.name, new Set(plan.output === "load" ? [] : image.tags)]));

  const ownerOf = ({ target, title }: BuildStep) => {
    if (title.startsWith("load local bake definitions")) return undefined;
    return single ? [...images.values()][0] : images.get(target ?? "");
  };

  const takeVertex = (vertex: Vertex): Taken[] => {
    const step = readStep(vertex.name, single);
    const image = ownerOf(step);
    if (image === undefined) return [];
    const output = outputs.get(vertex.digest) ?? { images: [], text: readStepOutput(), lines: [] };
    outputs.set(vertex.digest, output);
    if (!output.images.includes(image)) output.images.push(image);
    const before = image.seen.get(vertex.digest);
    image.seen.set(vertex.digest, vertex);
    measure(image, vertex);
    if (step.kind === "step") countStep(image, step, vertex);
    if (step.kind === "push" && vertex.completed && !before?.completed && !vertex.error) image.pushed++;
    return [{ image, before, vertex, step }];
  };

  const takeLog = ({ vertex, text }: BuildLog): ProgressEvent[] => {
    const output = outputs.get(vertex);
    return output === undefined ? [] : show(vertex, output, output.text.take(text));
  };

  const show = (vertex: string, output: Output, lines: readonly string[]): ProgressEvent[] => {
    output.lines = [...output.lines, ...lines].slice(-shownLines);
    const [image] = output.images;
    // Output of other steps would push the reason for the failure out of view.
    if (image === undefined || (image.failed !== undefined && image.failed.vertex !== vertex)) return [];
    return lines.map((line) => ({ type: "output", row: rowOf(image.name), line }));
  };

  const showRest = (vertex: string): ProgressEvent[] => {
    const output = outputs.get(vertex);
    return output === undefined ? [] : show(vertex, output, output.text.rest());
  };

  const end = ({ image, before, vertex, step }: Taken): ProgressEvent[] => {
    if (vertex.completed === undefined || before?.completed !== undefined) return [];
    const row = rowOf(image.name);
    if (vertex.error) return [...showRest(vertex.digest), ...fail(image, step, vertex)];
    // An engine pushes after the build, with one step per tag. A builder pushes during its export step. From BuildKit 0.29 on,
    // that step may go on pushing after its end.
    const complete = enginePushes
      ? step.kind === "push" && image.pushed === tags.get(image.name)
      : step.kind === "export" && unsent.get(image.name)?.size === 0;
    if (!complete || image.state !== "running") return [];
    image.state = "done";
    return [{ type: "done", row, text: summarise(image, plan.output) }];
  };

  const fail = (image: Progress, step: BuildStep, { digest, error = "" }: Vertex): ProgressEvent[] => {
    if (/context canceled|\bCanceled\b/.test(error) || step.kind === "cache-import" || image.state === "failed") return [];
    if (step.kind === "export" && isRace(error)) return [];
    if (step.kind === "cache-export") return [{ type: "warning", text: `${image.name}: the layer cache was not kept: ${error}` }];
    image.state = "failed";
    image.failed = { vertex: digest, step, error };
    const { images: [first] = [], lines = [] } = outputs.get(digest) ?? {};
    return [{ type: "failed", row: rowOf(image.name), text: step.title, output: first === image ? lines : [] }];
  };

  const describeFailed = ({ failed }: Progress, before: readonly Progress[]): StepFailure | undefined => {
    if (failed === undefined) return undefined;
    const { vertex, step, error } = failed;
    const same = before.find((other) => other.failed?.vertex === vertex);
    return {
      step: step.title,
      ...(step.place && { place: step.place }),
      error,
      lastLines: outputs.get(vertex)?.lines ?? [],
      ...(same && { sameAs: same.name }),
    };
  };

  return {
    /** Turns a message into progress events. */
    take({ vertexes, logs, sent = [] }: BuildStatus): ProgressEvent[] {
      for (const { reference } of sent) unsent.forEach((names) => names.delete(reference));
      // One message may hold the start, the output and the end of a short step.
      const taken = vertexes.flatMap(takeVertex);
      const begun = taken.flatMap(begin);
      const output = logs.flatMap(takeLog);
      return [...begun, ...output, ...taken.flatMap(end)];
    },
    /** Ends the remaining rows, once the build is over. */
    finish(succeeded: boolean): ProgressEvent[] {
      const rest = [...outputs.keys()].flatMap(showRest);
      const ends = [...images.values()].flatMap((image): ProgressEvent[] => {
        const row = rowOf(image.name);
        if (image.state === "done" || image.state === "failed") return [];
        if (!succeeded) return [{ type: "skipped", row, text: "stopped" }];
        image.state = "done";
        return [{ type: "done", row, text: summarise(image, plan.output) }];
      });
      return [...rest, ...ends];
    },
    records: (): ImageResult[] =>
      [...images.values()].map((image, index, all) => {
        const { name, milliseconds, steps, cachedSteps } = image;
        const failure = describeFailed(image, all.slice(0, index));
        return { name, milliseconds, steps, cachedSteps, ...(failure && { failure }) };
      }),
  };
}

function begin({ image, before, vertex, step }: Taken): ProgressEvent[] {
  if (vertex.started === undefined || before?.started !== undefined || image.state === "done" || image.state === "failed") return [];
  const row = rowOf(image.name);
  if (image.state === "waiting") {
    image.state = "running";
    return [{ type: "started", row, text: step.title }];
  }
  return vertex.cached || quiet.has(step.kind) ? [] : [{ type: "updated", row, text: step.title }];
}

function rowOf(name: string): string {
  return `build:${name}`;
}
