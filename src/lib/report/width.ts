import { stripVTControlCharacters } from "node:util";

/** Characters that never combine and take one column each. Most texts have no others. */
const plain = /^[\x20-\x7E\u00A1-\u00AC\u00AE-\u02FF\u2010-\u2027\u2190-\u21FF\u2500-\u257F\u2713\u2717]*$/;

let segmenter: Intl.Segmenter | undefined;

/** Splits a text into what a reader sees as characters. The first call takes some milliseconds. */
function segmentsOf(text: string): Iterable<{ segment: string }> {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  return segmenter.segment(text);
}

/** East Asian wide characters and emoji, which take two columns. */
const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115F\u2E80-\u303E\u3041-\u33FF\u3400-\u4DBF\u4E00-\u9FFF\uA000-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]/u;

/** The width of a text in a terminal, in columns; colours take none. */
export function widthOf(text: string): number {
  const bare = stripVTControlCharacters(text);
  if (plain.test(bare)) return bare.length;
  let width = 0;
  for (const { segment } of segmentsOf(bare)) width += widthOfSegment(segment);
  return width;
}

/** Pads a text with spaces to a number of columns. */
export function padToWidth(text: string, width: number, side: "left" | "right" = "right"): string {
  const filling = " ".repeat(Math.max(0, width - widthOf(text)));
  return side === "right" ? text + filling : filling + text;
}

/** Cuts a text to a number of columns, with `…` at its end. For text without colours. */
export function cutToWidth(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let cut = "";
  let taken = 0;
  for (const { segment } of segmentsOf(text)) {
    taken += widthOfSegment(segment);
    if (taken > width - 1) break;
    cut += segment;
  }
  return width < 1 ? "" : `${cut.trimEnd()}…`;
}

function widthOfSegment(segment: string): number {
  if (/^[\p{Control}\p{Mark}\u200B-\u200F]+$/u.test(segment)) return 0;
  return wide.test(segment) ? 2 : 1;
}
