import type { ComposeModel } from "./model.ts";
import { parseModel } from "./observation.ts";

/** A release as a host keeps it, beside its manifest. */
export interface KeptRelease {
  /** As it was rendered. */
  model: ComposeModel;
  /** The plan that brings it up whatever runs: a step a line, its words separated by tabs. */
  whole: string[];
  /** Configurations of its fronts, by file: `web.cfg`, `web.hold.cfg`. */
  configurations: Record<string, string>;
  /** Names of the hooks that it brought to the host. */
  hooks: string[];
}

/** Reads a release's files by their path. */
export function parseRelease(files: ReadonlyMap<string, string>): KeptRelease {
  return {
    model: parseModel(files.get("compose.json") ?? ""),
    whole: (files.get("plan.whole") ?? "").split("\n").filter((line) => line !== ""),
    hooks: (files.get("hooks") ?? "").split("\n").flatMap((path) => (path.startsWith("hooks/") ? [path.slice("hooks/".length)] : [])),
    configurations: Object.fromEntries(
      [...files].flatMap(([path, text]) => (path.startsWith("fronts/") ? [[path.slice("fronts/".length), text]] : [])),
    ),
  };
}
