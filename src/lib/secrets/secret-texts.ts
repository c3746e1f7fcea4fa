import { fragmentHash, tableSize, type Span } from "./fragments.ts";
import { OpenEnds, spelling } from "./spelling.ts";

/** Length of the substring that is looked up first. */
const anchorLength = 4;

/** Where a word may begin and end: next to anything but a letter or a digit, or after an escape sequence for such a character. */
const wordBegins = String.raw`(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=%[0-9A-Fa-f]{2}))`;
const wordEnds = "(?![A-Za-z0-9])";

/** A line that ends with fewer characters of a secret than this is written at once, because lines end like that by chance. */
const shortestBeginning = 5;

interface Text {
  value: string;
  isWord: boolean;
  /** The parts of the secret before each of its spaces and line ends. A line of output may end there. */
  breaks: ReadonlySet<string>;
  pattern?: RegExp;
  openEnds?: OpenEnds;
}

/** Finds texts in any spelling: see spelling.ts. */
export class SecretTexts {
  /** The texts, by four characters that appear in every spelling. */
  readonly #byAnchor = new Map<string, Text[]>();
  readonly #table = new Uint8Array(tableSize >> 3);
  /** The texts without such characters. */
  readonly #others: Text[] = [];

  /** @param isWord whether the text counts only where it stands alone */
  add(value: string, isWord: boolean): void {
    const text = { value, isWord, breaks: new Set(Array.from(value.matchAll(/(\S)\s/g), ([, before = ""]) => before)) };
    const [longest = ""] = (value.match(/[A-Za-z0-9]+/g) ?? []).toSorted((a, b) => b.length - a.length);
    const anchor = longest.slice(0, anchorLength);
    if (anchor.length < anchorLength) return void this.#others.push(text);
    this.#byAnchor.set(anchor, [...(this.#byAnchor.get(anchor) ?? []), text]);
    const bit = fragmentHash(anchor, 0, anchorLength);
    this.#table[bit >> 3]! |= 1 << (bit & 7);
  }

  find(text: string): Span[] {
    return [...new Set(this.#candidates(text)), ...this.#others].flatMap((each) => occurrences(text, patternOf(each)));
  }

  /**
   * How many characters at the end of a text may be the beginning of a match. If a line ends there, only matches that continue on
   * the next line count.
   */
  openEnd(text: string): number {
    const all = [...this.#others, ...[...this.#byAnchor.values()].flat()];
    if (!text.endsWith("\n")) return Math.max(0, ...all.map((each) => openEnd(text, each)));
    const last = text.trimEnd().at(-1) ?? "";
    const open = Math.max(0, ...all.map((each) => (each.breaks.has(last) ? openEnd(text, each) : 0)));
    return open < shortestBeginning ? 0 : open;
  }

  #candidates(text: string): Text[] {
    const found: Text[] = [];
    for (let at = 0; at + anchorLength <= text.length; at++) {
      const bit = fragmentHash(text, at, anchorLength);
      if ((this.#table[bit >> 3]! & (1 << (bit & 7))) === 0) continue;
      found.push(...(this.#byAnchor.get(text.slice(at, at + anchorLength)) ?? []));
    }
    return found;
  }
}

function patternOf(text: Text): RegExp {
  const pattern = spelling(text.value);
  return (text.pattern ??= new RegExp(text.isWord ? wordBegins + pattern + wordEnds : pattern, "g"));
}

/** All matches, including those that overlap. */
function occurrences(text: string, pattern: RegExp): Span[] {
  const found: Span[] = [];
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    found.push({ start: match.index, end: match.index + match[0].length });
    pattern.lastIndex = match.index + 1;
  }
  return found;
}

/** Considers every spelling. A complete word may still turn into a longer one. */
function openEnd(text: string, each: Text): number {
  if (each.isWord && text.endsWith(each.value)) return each.value.length;
  return (each.openEnds ??= new OpenEnds(each.value)).of(text);
}
