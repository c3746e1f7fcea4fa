import type { BakeResult } from "../../adapters/buildkit/bake.ts";
import { ColdtivateError } from "../../errors.ts";
import { hintForTrust } from "../../images/builder-trust.ts";
import type { BuildPlan } from "../../images/build-plan.ts";
import { joinPaths } from "../../common/path.ts";
import { lineOfStep } from "../../content/dockerfile.ts";
import type { ImageResult, StepFailure } from "./image-progress.ts";

type Failed = Extract<BakeResult, { images?: never }>;

/**
 * Describes what went wrong, by image and step if those are known. The reporter has already shown the steps' last lines.
 * @param texts Dockerfiles, by path
 */
export function describeBuildFailure(
  plan: BuildPlan,
  records: readonly ImageResult[],
  { said, exitCode, cause }: Failed,
  texts: ReadonlyMap<string, string>,
): ColdtivateError {
  const failed = records.flatMap(({ name, failure }) => (failure === undefined ? [] : [{ name, ...failure }]));
  const [first] = failed;
  if (first === undefined) {
    const reason = said.findLast((line) => line.startsWith("ERROR:"))?.replace(/^ERROR:\s*(failed to solve:\s*)?/, "");
    const name = plan.images.length === 1 ? `${plan.images[0]?.name}: ` : "";
    return new ColdtivateError(`${name}the build failed: ${reason ?? `docker buildx ended with exit code ${exitCode ?? "unknown"}`}`, {
      code: "BUILD_FAILED",
      exit: "failed",
      details: said.filter((line) => !line.startsWith("ERROR:")),
      hint: `What serves is as it was. ${plan.images.length === 1 ? "Look at its Dockerfile" : "Look at the images' Dockerfiles"} and at the builder (docker buildx inspect).`,
      cause,
    });
  }
  const names = failed.map(({ name }) => name).join(", ");
  const isPush = /^(pushing|exporting) /.test(first.step) && plan.output === "push";
  const details = failed.flatMap((each) => {
    const heading = failed.length > 1 ? [`${each.name}: ${each.step}`] : [];
    const place = placeOf(plan, each, texts) ?? (failed.length === 1 ? placeSaid(plan, each.name, said) : undefined);
    return [
      ...heading,
      ...(place === undefined ? [] : [place]),
      ...(each.sameAs === undefined ? each.lastLines : []),
      withoutQueries(each.error),
    ];
  });
  if (isPush) {
    return new ColdtivateError(`${names}: built, but not pushed`, {
      code: "PUSH_FAILED",
      exit: "failed",
      details,
      hint: hintForPush(failed.map(({ error }) => error).join("\n")),
      cause,
    });
  }
  const steps = [...new Set(failed.map(({ step }) => step))];
  return new ColdtivateError(`${names}: the build failed${steps.length === 1 ? ` at: ${first.step}` : ""}`, {
    code: "BUILD_FAILED",
    exit: "failed",
    details,
    hint: `What serves is as it was. Mend the step${steps.length === 1 ? "" : "s"}, then run: coldtivate build ${failed.map(({ name }) => name).join(" ")}`,
    cause,
  });
}

/** The line of the Dockerfile that failed. */
function placeOf(
  { images }: BuildPlan,
  { name, place }: { name: string } & StepFailure,
  texts: ReadonlyMap<string, string>,
): string | undefined {
  const file = dockerfileOf(images, name);
  const text = texts.get(file);
  const line = text === undefined || place === undefined ? undefined : lineOfStep(text, place);
  return line === undefined ? undefined : `${file}:${line}`;
}

/** The same line, taken from the output of buildx. It names only one, so this works for a single failed image. */
function placeSaid({ images }: BuildPlan, name: string, said: readonly string[]): string | undefined {
  const [, line] = said.map((text) => /^\S.*:(\d+)$/.exec(text)).find((found) => found !== null) ?? [];
  return line === undefined ? undefined : `${dockerfileOf(images, name)}:${line}`;
}

function dockerfileOf(images: BuildPlan["images"], name: string): string {
  const { context = "", dockerfile = "" } = images.find((each) => each.name === name) ?? {};
  return joinPaths(context, dockerfile);
}

/** Removes query strings. Upload addresses are long and say nothing. */
function withoutQueries(error: string): string {
  return error.replace(/(https?:\/\/[^\s"?]+)\?[^\s":]+/g, "$1");
}

function hintForPush(error: string): string {
  const trust = hintForTrust(error);
  if (trust !== undefined) return `What serves is as it was. ${trust}`;
  if (/denied|unauthorized|insufficient_scope|\b40[134]\b/i.test(error)) {
    return "What serves is as it was. The registry's user may not write there, or the repository does not exist: check registry.image and its permissions.";
  }
  return "What serves is as it was. See that the registry is up, then run the command again: what is built is not built twice.";
}
