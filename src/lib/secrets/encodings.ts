import { Fragments, type Span } from "./fragments.ts";

/** Matches of this length are no coincidence: six bytes in either encoding. */
const base64Length = 8;
const hexLength = 12;

/** Where a block of base64 wraps: a line end, literal or escaped within JSON, and the indentation of the next line. */
const wraps = /(?<=[A-Za-z0-9+/])[ \t]{0,40}(?:\r?\n|(?:\\+r)?\\+n)[ \t|│]{0,40}(?=[A-Za-z0-9+/])/g;

/** Bytes in hexadecimal digits, adjacent or separated: `68:75`, `6875 6e74`, `\x68\x75`, `0x68, 0x75`, `%68%75`. */
const hexRuns = /[0-9A-Fa-f]{2}(?:(?:[\s:,\\%-]|0?x|u00){0,16}[0-9A-Fa-f]{2}){5,}/g;
/** Matches what may be the beginning of an encoded secret at the end of a text. */
const hexEnd = /(?:[0-9A-Fa-f]|[\s:,\\%-]|0?x|u00)+$/i;
const longestEnd = 120;
const fewestDigits = 2;
const apart = /[\s:,\\%-]|0?x|u00/gi;

/**
 * Finds texts, or parts of them, in base64 and in hexadecimal digits. The base64 may be URL-safe, wrapped, or part of a longer
 * text.
 */
export class Encodings {
  readonly #base64 = new Fragments(base64Length);
  readonly #hex = new Fragments(hexLength);

  add(value: string): void {
    const bytes = Buffer.from(value);
    this.#base64.add(bytes.toString("base64").replaceAll("=", ""));
    // The text may begin at any offset within something longer. Letters that it shares with its neighbours are left out.
    for (const offset of [1, 2]) {
      const rest = bytes.subarray(offset);
      this.#base64.add(rest.subarray(0, rest.length - (rest.length % 3)).toString("base64"));
    }
    this.#hex.add(bytes.toString("hex"));
  }

  find(text: string): Span[] {
    return [...this.#findBase64(text), ...this.#findHex(text)];
  }

  /** How many characters at the end of a text may be the beginning of a match. */
  openEnd(text: string): number {
    const separate = this.#openHexApart(text.slice(-longestEnd));
    return Math.max(
      this.#base64.openEnd(plain(text.slice(-base64Length))),
      this.#hex.openEnd(text.slice(-hexLength).toLowerCase()),
      separate,
    );
  }

  /** The same for hexadecimal digits with separators between them. */
  #openHexApart(end: string): number {
    const [run = ""] = hexEnd.exec(end) ?? [];
    const { text: digits, original } = squeeze(run.toLowerCase(), apart);
    if (digits.length === run.length) return 0;
    const open = this.#hex.openEnd(digits);
    if (open < fewestDigits) return 0;
    const length = run.length - original(digits.length - open);
    // A question may end in a word that consists of such digits (`speed: `).
    return /[A-WYZa-wyz0-9_]/.test(end.at(-length - 1) ?? "") ? 0 : length;
  }

  #findBase64(text: string): Span[] {
    const squeezed = squeeze(plain(text), wraps);
    return this.#base64.find(squeezed.text).map(({ start, end }) => widen(text, squeezed.original(start), squeezed.original(end - 1) + 1));
  }

  #findHex(text: string): Span[] {
    return [...text.matchAll(hexRuns)].flatMap(({ 0: run, index }) => {
      const { text: digits, original } = squeeze(run.toLowerCase(), apart);
      return this.#hex.find(digits).map(({ start, end }) => ({ start: index + original(start), end: index + original(end - 1) + 1 }));
    });
  }
}

/** The text with the letters of URL-safe base64 replaced by the usual ones. */
function plain(text: string): string {
  return text.replaceAll("-", "+").replaceAll("_", "/");
}

/** Widens a match by the letters that the secret shares with its neighbours in base64. */
function widen(text: string, start: number, end: number): Span {
  const before = /[A-Za-z0-9+/_-]{0,2}$/.exec(text.slice(Math.max(0, start - 2), start))?.[0].length ?? 0;
  const behind = /^[A-Za-z0-9+/_-]{0,3}={0,2}/.exec(text.slice(end, end + 5))?.[0].length ?? 0;
  return { start: start - before, end: end + behind };
}

interface Squeezed {
  text: string;
  /** Maps an offset in this text to the original. */
  original: (at: number) => number;
}

/** A text without the matches of a pattern. */
function squeeze(text: string, pattern: RegExp): Squeezed {
  const parts: string[] = [];
  /** Where each part begins in the squeezed text, and how many characters were removed before it. */
  const begins: { at: number; taken: number }[] = [];
  let at = 0;
  let behind = 0;
  const push = (part: string) => {
    begins.push({ at, taken: behind - at });
    parts.push(part);
    at += part.length;
    behind += part.length;
  };
  for (const { 0: match, index } of text.matchAll(pattern)) {
    push(text.slice(behind, index));
    behind = index + match.length;
  }
  push(text.slice(behind));
  return { text: parts.join(""), original: (place) => place + begins.findLast((part) => part.at <= place)!.taken };
}
