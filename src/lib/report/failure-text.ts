import type { Failure } from "./failure.ts";
import { clean } from "./clean.ts";
import type { Palette } from "./palette.ts";

/**
 * Formats a failure for people: `✗ message`, one line per detail, what was changed before, where it happened if that helps, and
 * `→ what to do next`.
 */
export function formatFailure({ message, details, changed, exit, stack, hint }: Failure, palette: Palette): string {
  const lines = [`${palette.bad("✗")} ${palette.strong(clean(message))}`];
  lines.push(...details.flatMap((detail) => clean(detail).split("\n")).map((line) => `  ${line}`));
  lines.push(...changed.map((line) => `  changed before that: ${clean(line)}`));
  // No other place says this: only here is it known.
  if (exit === "refused" && changed.length === 0) lines.push("  Nothing was changed.");
  const places = stack === undefined ? [] : clean(stack).split("\n");
  lines.push(...places.map((line) => palette.faint(line)));
  if (hint) lines.push(`${palette.caution("→")} ${clean(hint)}`);
  return `${lines.join("\n")}\n`;
}

/** Formats a failure for machines: the same words under `--json`. */
export function failureDocument({ code, message, details, changed, hint, exit, stack }: Failure, exitCode: number): object {
  return { error: { code, message, hint: hint ?? null, details, changed, exit, exitCode, ...(stack && { stack: stack.split("\n") }) } };
}
