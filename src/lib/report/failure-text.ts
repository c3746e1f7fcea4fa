import type { Failure } from "./failure.ts";
import { clean } from "./clean.ts";
import type { Palette } from "./palette.ts";

/** A failure for people: `✗ message`, a line a detail, where it happened if that helps, `→ what to do next`. */
export function formatFailure({ message, details, stack, hint }: Failure, palette: Palette): string {
  const lines = [`${palette.bad("✗")} ${palette.strong(clean(message))}`];
  lines.push(...details.flatMap((detail) => clean(detail).split("\n")).map((line) => `  ${line}`));
  if (stack)
    lines.push(
      ...clean(stack)
        .split("\n")
        .map((line) => palette.faint(line)),
    );
  if (hint) lines.push(`${palette.caution("→")} ${clean(hint)}`);
  return `${lines.join("\n")}\n`;
}

/** A failure for machines: the same words under `--json`. */
export function failureDocument({ code, message, details, hint, exit, stack }: Failure, exitCode: number): object {
  return { error: { code, message, hint: hint ?? null, details, exit, exitCode, ...(stack && { stack: stack.split("\n") }) } };
}
