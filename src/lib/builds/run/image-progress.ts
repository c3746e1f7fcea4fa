import type { BuildPlan } from "../../images/build-plan.ts";
import type { BuildStep, Vertex } from "../../images/build-status.ts";

/** How an image's build went. */
export interface ImageResult {
  name: string;
  /** Between its first step's start and its last one's end, in milliseconds. */
  milliseconds: number;
  /** Steps of its Dockerfile that ran or were found in a cache. */
  steps: number;
  cachedSteps: number;
  failure?: StepFailure;
}

/** The step that failed, and why. */
export interface StepFailure {
  step: string;
  /** Where it stands in the Dockerfile, for one of its instructions. */
  place?: BuildStep["place"];
  error: string;
  lastLines: string[];
  /** The image that failed at the very same step, and has its lines. */
  sameAs?: string;
}

/** The same while it goes on. */
export interface Progress extends ImageResult {
  first: number;
  seen: Map<string, Vertex>;
  /** Whether each step that has ended came out of a cache. */
  found: Map<string, boolean>;
  /** Tags that were pushed. */
  pushed: number;
  state: "waiting" | "running" | "done" | "failed";
  failed?: { vertex: string; step: BuildStep; error: string };
}

/** Before anything was heard of it. */
export function createProgress(name: string): Progress {
  return {
    name,
    milliseconds: 0,
    steps: 0,
    cachedSteps: 0,
    first: Infinity,
    seen: new Map(),
    found: new Map(),
    pushed: 0,
    state: "waiting",
  };
}

/** Takes a vertex into the time. */
export function measure(image: Progress, { started, completed }: Vertex): void {
  if (started !== undefined) image.first = Math.min(image.first, Date.parse(started));
  if (completed !== undefined) image.milliseconds = Math.max(image.milliseconds, Date.parse(completed) - image.first);
}

/** Takes a step into the count. A layer that comes out of a cache can turn up twice under one name: found, then unpacked. */
export function countStep(image: Progress, { title }: BuildStep, { completed, cached }: Vertex): void {
  if (completed === undefined) return;
  image.found.set(title, cached === true || image.found.get(title) === true);
  image.steps = image.found.size;
  image.cachedSteps = [...image.found.values()].filter(Boolean).length;
}

/** How it went, in a few words. */
export function summarise({ steps, cachedSteps }: ImageResult, output: BuildPlan["output"]): string {
  const verb = output === "push" ? "pushed" : "built";
  if (steps === 0 || cachedSteps === 0) return verb;
  return steps === cachedSteps ? `${verb}, all of it cached` : `${verb}, ${cachedSteps} of ${steps} steps cached`;
}
