import { createGitlabReporter } from "./gitlab.ts";
import type { Mode } from "../mode.ts";
import { createPalette } from "../palette.ts";
import { createPlainReporter } from "./plain.ts";
import type { ScreenReporter } from "../progress.ts";

export interface ReporterOptions {
  mode: Mode;
  /** The stream for progress: standard error. */
  stream: typeof process.stderr;
  color: boolean;
}

/** Creates reporters for a mode, one for each stretch of progress. The code that draws in a terminal is loaded only if needed. */
export async function loadReporter({ mode, stream, color }: ReporterOptions): Promise<() => ScreenReporter> {
  const palette = createPalette(color);
  if (mode === "terminal") {
    const { createTerminalReporter } = await import("./terminal.ts");
    return () => createTerminalReporter({ stream, palette, now: Date.now });
  }
  const lines = { write: (text: string) => void stream.write(text), palette, now: Date.now };
  return () => (mode === "gitlab" ? createGitlabReporter(lines) : createPlainReporter(lines));
}
