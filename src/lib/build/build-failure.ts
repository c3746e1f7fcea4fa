import type { BakeResult } from "../adapters/buildkit.ts";
import { ColdtivateError } from "../errors.ts";
import type { BuildPlan } from "../images/build-plan.ts";
import { joinPaths } from "../images/path.ts";
import type { BuildRecord } from "./build-tracker.ts";

type Failed = Extract<BakeResult, { digests?: never }>;

/** What went wrong, by image and step where that is known. The reporter has shown the step's last lines. */
export function describeBuildFailure(plan: BuildPlan, records: readonly BuildRecord[], { said, exitCode, cause }: Failed): ColdtivateError {
  const failed = records.filter(({ failure }) => failure !== undefined);
  const [first] = failed;
  if (first?.failure === undefined) {
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
  const isPush = /^(pushing|exporting) /.test(first.failure.step) && plan.output === "push";
  const errors = [...new Set(failed.map(({ name, failure }) => `${failed.length > 1 ? `${name}: ` : ""}${failure?.error ?? ""}`))];
  const details = [...failed.flatMap(({ failure }) => failure?.lastLines ?? []), ...errors];
  if (isPush) {
    return new ColdtivateError(`${names}: built, but not pushed`, {
      code: "PUSH_FAILED",
      exit: "failed",
      details,
      hint: hintForPush(errors.join("\n")),
      cause,
    });
  }
  return new ColdtivateError(`${names}: the build failed at: ${first.failure.step}`, {
    code: "BUILD_FAILED",
    exit: "failed",
    details: [...(failed.length === 1 ? placeOf(plan, first.name, said) : []), ...details],
    hint: `What serves is as it was. Mend the step, then run: coldtivate build ${failed.map(({ name }) => name).join(" ")}`,
    cause,
  });
}

/** The line of the Dockerfile that failed: buildx names it once, for one image. */
function placeOf({ images }: BuildPlan, name: string, said: readonly string[]): string[] {
  const [, line] = said.map((text) => /^\S.*:(\d+)$/.exec(text)).find((found) => found !== null) ?? [];
  const image = images.find((each) => each.name === name);
  return line === undefined || image === undefined ? [] : [`${joinPaths(image.context, image.dockerfile)}:${line}`];
}

function hintForPush(error: string): string {
  if (/denied|unauthorized|insufficient_scope|\b40[13]\b/i.test(error)) {
    return "What serves is as it was. The registry's user may not write there, or the repository does not exist: check registry.image and its permissions.";
  }
  return "What serves is as it was. See that the registry is up, then run the command again: what is built is not built twice.";
}
