import { ColdtivateError } from "../../../src/lib/errors.ts";
import { describeFailure } from "../../../src/lib/report/failure.ts";
import { formatFailure } from "../../../src/lib/report/failure-text.ts";
import { createPalette } from "../../../src/lib/report/palette.ts";

/** More of it nobody reads. */
const mostCharacters = 100_000;

/** Why an error is none that a user can act on, or undefined where it is one. */
export function faultOf(error: unknown): string | undefined {
  if (!(error instanceof ColdtivateError)) return `no error of ours: ${error instanceof Error ? error.stack : String(error)}`;
  if (error.exit !== "usage" && error.exit !== "refused") return `exit ${error.exit}, though nothing was begun`;
  return faultIn(formatFailure(describeFailure(error), createPalette(false)));
}

/** The same of what was printed. */
export function faultIn(text: string): string | undefined {
  if (/bug in coldtivate/.test(text)) return `a bug: ${text}`;
  if (/^\s+at .*[:)]/m.test(text) || /node:internal|\.ts:\d+:\d+\)/.test(text)) return `a stack trace: ${text}`;
  if (/\[object Object\]|RangeError|TypeError|call stack/.test(text)) return `words of the machine: ${text}`;
  if (text.length > mostCharacters) return `${text.length} characters: ${text.slice(0, 500)}`;
  return /^✗ \S[^\n]*\n/.test(text) ? undefined : `no message: ${text.slice(0, 500)}`;
}
