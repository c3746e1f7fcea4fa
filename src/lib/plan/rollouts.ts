import { drainLimit, holdLimit } from "../fronts/front-settings.ts";
import { slotName } from "../fronts/fronts.ts";
import type { KeptRelease } from "../host/kept-release.ts";
import { mapValues } from "../common/plain.ts";
import type { Manifest, ManifestRollout } from "../release/manifest.ts";
import { healthLimit } from "./steps/health-limit.ts";
import type { StepFacts } from "./steps/steps.ts";

type Rollouts = Record<string, ManifestRollout>;

/** The rollout settings of a release, for its manifest: with them, a rollback repeats it as it was. */
export function rolloutsOf({ config, rendered }: StepFacts): Rollouts {
  return mapValues(rendered.services, ({ checked }, service) => {
    const { drain = drainLimit, holdLimit: hold = holdLimit, drainSignal } = config.services[service] ?? {};
    const [first] = rendered.fronts[service]?.ports ?? [];
    return {
      healthyWithin: healthLimit(service, { config, rendered }),
      drain,
      holdLimit: hold,
      ...(drainSignal === undefined ? {} : { drainSignal }),
      ...(checked || first === undefined ? {} : { ports: [{ port: first.port }] }),
    };
  });
}

/** The rollout settings and the reach check of a kept release. An older coldtivate only wrote them into the full plan. */
export function readRollouts({ full }: KeptRelease, { rollouts, reach, fronts }: Manifest): { rollouts: Rollouts; reach: string[] } {
  if (rollouts !== undefined && reach !== undefined) return { rollouts, reach };
  const plan = full.map((line) => line.split("\t"));
  return { rollouts: learnRollouts(plan, fronts), reach: plan.find(([verb]) => verb === "reach")?.slice(2) ?? Object.keys(fronts) };
}

function learnRollouts(plan: readonly string[][], fronts: Manifest["fronts"]): Rollouts {
  const found: Rollouts = {};
  const slots = new Map(Object.keys(fronts).map((name) => [slotName(name, "slot"), name]));
  for (const [verb, part = "", ...args] of plan) {
    const service = slots.get(part) ?? part.replace(/@.*$/, "");
    const learnt = learn(verb, args);
    if (learnt !== undefined) found[service] = { ...found[service], ...learnt };
  }
  return found;
}

function learn(verb: string | undefined, [time, ...more]: readonly string[]): ManifestRollout | undefined {
  const limit = Number(time) * 1000;
  const [wait, ...what] = more;
  switch (verb) {
    case "healthy":
      return { healthyWithin: limit, ...(more[2] === undefined ? {} : { ports: [{ port: Number(more[2]) }] }) };
    case "drain":
      return { drain: limit };
    case "hold":
      return { drain: limit, holdLimit: limit, ...(wait === undefined ? {} : readSignal(wait, what)) };
    case "signal":
      return readSignal(time, more);
    default:
      return undefined;
  }
}

function readSignal(wait: string | undefined, [kind, ...words]: readonly string[]): Pick<ManifestRollout, "drainSignal"> {
  return { drainSignal: { signal: kind === "file" ? { file: words[0] ?? "" } : { command: words }, wait: Number(wait) * 1000 } };
}
