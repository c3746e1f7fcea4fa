import * as z from "zod";
import { readAnswer } from "../common/host-answer.ts";
import type { ComposeModel } from "../compose/model.ts";
import { parseModel } from "./observation.ts";

/** A release as a host keeps it, apart from its manifest. */
export interface KeptRelease {
  /** As it was rendered. */
  model: ComposeModel;
  /** The full plan: it brings the release up whatever runs. One step per line, with words separated by tabs. */
  full: string[];
  /** Configurations of its fronts, by file: `web.cfg`, `web.hold.cfg`. */
  configurations: Record<string, string>;
  /** Names of the hooks that it brought to the host. */
  hooks: string[];
}

/** A line of a plan: words separated by tabs. The first one is a verb. */
const planLine = z.string().regex(/^[a-z_]+(?:\t[^\p{Cc}]+)*$/u);
const hookName = z.string().regex(/^[a-z_]{1,40}$/);

/**
 * Reads a release's files by their path.
 * @throws ColdtivateError HOST_ANSWER
 */
export function parseRelease(host: string, files: ReadonlyMap<string, string>): KeptRelease {
  const hooks = (files.get("hooks") ?? "").split("\n").flatMap((path) => (path.startsWith("hooks/") ? [path.slice("hooks/".length)] : []));
  const full = (files.get("plan.full") ?? "").split("\n").filter((line) => line !== "");
  return {
    model: parseModel(host, files.get("compose.json") ?? ""),
    full: readAnswer(host, "the plan of a release that it keeps", z.array(planLine), full),
    hooks: readAnswer(host, "the hooks of a release that it keeps", z.array(hookName), hooks),
    configurations: Object.fromEntries(
      [...files].flatMap(([path, text]) => (path.startsWith("fronts/") ? [[path.slice("fronts/".length), text]] : [])),
    ),
  };
}
