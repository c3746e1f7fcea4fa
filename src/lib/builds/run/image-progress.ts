import type { BuildPlan } from "../../images/build-plan.ts";
import type { BuildStep, Vertex } from "../../images/build-status.ts";

/** How an image's build went. */
export interface ImageResult {
  name: string;
  /** From the start of its first step to the end of its last one, in milliseconds. */
  milliseconds: number;
  /** Steps of its Dockerfile that ran or were found in a cache. */
  steps: number;
  cachedSteps: number;
  failure?: StepFailure;
}

/** The step that failed, and why. */
export interface StepFailure {
  step: string;
  /** Its place in the Dockerfile, if it is one of the instructions. */
  place?: BuildStep["place"];
  error: string;
  lastLines: string[];
  /** An earlier image that failed at the very same step and already shows these lines. */
  sameAs?: string;
}

/** An image's build while it is running. */
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

/** The progress of an image before any message about it. */
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

/** Includes a vertex in the measured time. */
export function measure(image: Progress, { started, completed }: Vertex): void {
  if (started !== undefined) image.first = Math.min(image.first, Date.parse(started));
  if (completed !== undefined) image.milliseconds = Math.max(image.milliseconds, Date.parse(completed) - image.first);
}

/** Counts a step. A layer from a cache can appear twice under one name: when it is found, and when it is unpacked. */
export function countStep(image: Progress, { title }: BuildStep, { completed, cached }: Vertex): void {
  if (completed === undefined) return;
  image.found.set(title, cached === true || image.found.get(title) === true);
  image.steps = image.found.size;
  image.cachedSteps = [...image.found.values()].filter(Boolean).length;
}

/** Summarises a build in a few words. */
export function summarise({ steps, cachedSteps }: ImageResult, output: BuildPlan["output"]): string {
  const verb = output === "push" ? "pushed" : "built";
  if (steps === 0 || cachedSteps === 0) return verb;
  return steps === cachedSteps ? `${verb}, all of it cached` : `${verb}, ${cachedSteps} of ${steps} steps cached`;
}
