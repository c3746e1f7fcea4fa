import { blank, redactor } from "../secrets/redactor.ts";
import { isMapping } from "../common/plain.ts";
import { splitAtOurs, withoutControls } from "./controls.ts";

/**
 * Makes any text safe to show: removes everything that a terminal would obey, and redacts secrets, even those that control
 * characters had split.
 */
export function clean(text: string): string {
  return redactor.redact(withoutControls(text));
}

/** Redacts secrets in a text, even where our own sequences stand inside a secret; `inFrame` as for withoutForeignControls. */
export function redactAround(text: string, inFrame = false): string {
  const parts = splitAtOurs(text, inFrame);
  if (parts.length === 1) return redactor.redact(text);
  const spans = redactor.find(parts.filter((_, index) => index % 2 === 0).join(""));
  if (spans.length === 0) return text;
  let at = 0;
  return parts
    .map((part, index) => {
      if (index % 2 === 1) return part;
      const redacted = blank(part, spans, at);
      at += part.length;
      return redacted;
    })
    .join("");
}

/** How many characters at the end of a text may be the beginning of a secret, including our own colour sequences within it. */
export function openEndAround(text: string): number {
  const parts = splitAtOurs(text);
  if (parts.length === 1) return redactor.openEnd(text);
  let open = redactor.openEnd(parts.filter((_, index) => index % 2 === 0).join(""));
  let length = 0;
  for (let index = parts.length - 1; index >= 0 && open > 0; index--) {
    const part = parts[index]!;
    const taken = index % 2 === 1 ? part.length : Math.min(open, part.length);
    length += taken;
    if (index % 2 === 0) open -= taken;
  }
  return length;
}

/** Cleans all texts in plain data, including field names. */
export function cleanData(data: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [clean(name), cleanValue(value)]));
}

function cleanValue(value: unknown): unknown {
  if (typeof value === "string") return clean(value);
  if (Array.isArray(value)) return value.map(cleanValue);
  return isMapping(value) ? cleanData(value) : value;
}
