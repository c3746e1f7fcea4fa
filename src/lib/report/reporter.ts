import { createGitlabReporter } from "./gitlab.ts";
import type { Mode } from "./mode.ts";
import { createPalette } from "./palette.ts";
import { createPlainReporter } from "./plain.ts";
import type { ScreenReporter } from "./progress.ts";
import { createTerminalReporter } from "./terminal.ts";

export interface ReporterOptions {
  mode: Mode;
  /** Where progress goes: standard error. */
  stream: typeof process.stderr;
  color: boolean;
}

/** The reporter for a mode. */
export function createReporter({ mode, stream, color }: ReporterOptions): ScreenReporter {
  const palette = createPalette(color);
  const lines = { write: (text: string) => void stream.write(text), palette, now: Date.now };
  if (mode === "terminal") return createTerminalReporter({ stream, palette, now: Date.now });
  return mode === "gitlab" ? createGitlabReporter(lines) : createPlainReporter(lines);
}
