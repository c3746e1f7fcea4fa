import { createPlainReporter } from "./plain.ts";
import type { Palette } from "./palette.ts";
import type { Reporter } from "./progress.ts";

export interface TerminalOptions {
  stream: typeof process.stderr;
  palette: Palette;
  now: () => number;
}

export function createTerminalReporter({ stream, palette, now }: TerminalOptions): Reporter {
  return createPlainReporter({ write: (text) => void stream.write(text), palette, now });
}
