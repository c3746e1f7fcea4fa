const named: Readonly<Record<string, string>> = { "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos" };

/**
 * A pattern that matches a text in every spelling of its special characters: literal; escaped with backslashes any number of
 * times (JSON in JSON, shells); by number (`\u0024`, `\x24`, `\044`); URL-encoded (`%24`, `+`); for HTML (`&amp;`); or doubled (`$$` in
 * Compose files, `''` in YAML). Letters and digits are the same everywhere.
 */
export function spelling(text: string): string {
  return Array.from(text, spell).join("");
}

function spell(character: string): string {
  const ways = spellings(character);
  return ways.length === 1 ? ways[0]! : `(?:${ways.join("|")})`;
}

/** The patterns for one character, one for each way to write it. */
export function spellings(character: string): string[] {
  if (/[A-Za-z0-9_]/.test(character)) return [character];
  const code = character.codePointAt(0)!;
  const literal = escapeForPattern(character);
  const units = Array.from({ length: character.length }, (_, index) => hex(character.charCodeAt(index), 4));
  return [
    ...literals(character, literal),
    percent(character, "%"),
    percent(character, "%25"),
    // In URLs, and where YAML folds a long text.
    ...(character === " " ? [String.raw`\+`, String.raw` ?\\?\r?\n[ \t]{0,40}(?:\\ )?`] : []),
    String.raw`\\{1,15}${units.map((unit) => `u${unit}`).join(String.raw`\\{1,15}`)}`,
    ...(code > 127 && code < 256 ? [String.raw`\\{1,15}x${hex(code, 2)}`] : []),
    byBytes(character, (byte) => `x${hex(byte, 2)}`),
    byBytes(character, (byte) => byte.toString(8).padStart(3, "0")),
    `&#(?:${code}|x0*${hex(code, 1)});`,
    ...(named[character] === undefined ? [] : [`&${named[character]};`]),
  ];
}

/** Patterns for an incomplete spelling of a special character. */
const beginnings = [
  String.raw`(?:\\{1,15}u[0-9A-Fa-f]{4})?\\{1,15}(?:u[0-9A-Fa-f]{0,3})?`,
  // Some of the bytes of a character that has several.
  String.raw`(?:\\{1,15}(?:x[0-9A-Fa-f]{2}|[0-7]{3})){0,3}\\{1,15}(?:x[0-9A-Fa-f]{0,2}|[0-7]{0,3})`,
  String.raw`(?:%(?:25)?[0-9A-Fa-f]{2}){0,3}%(?:2|25)?[0-9A-Fa-f]{0,2}`,
  String.raw`&(?:#(?:x?[0-9A-Fa-f]{0,6})|[a-z]{0,4})`,
  String.raw`\\{1,15}r\\{0,15}`,
];
/** Further incomplete spellings of single characters. */
const ownBeginnings: Readonly<Record<string, string>> = {
  "'": String.raw`'(?:\\{1,15}'?|"'?"?)`,
  " ": String.raw` ?\\?\r?(?:\n[ \t]{0,40}\\?)?`,
  "\n": String.raw`\r`,
};
/** The maximum length of an incomplete spelling. */
const longestBeginning = 80;

/** Characters that a spelling of a special character may begin with, besides the character itself. */
const firsts = new Set(["\\", "%", "&"]);

/** Finds the beginning of a secret at the end of a text, in any spelling. */
export class OpenEnds {
  readonly #characters: readonly string[];
  readonly #ways: { whole: RegExp[]; beginning?: RegExp }[] = [];

  constructor(text: string) {
    this.#characters = Array.from(text);
  }

  /** How many characters at the end of a text may be an incomplete secret. */
  of(text: string): number {
    // No spelling of one character is longer than this.
    const from = Math.max(0, text.length - 10 * this.#characters.length - 40);
    const [first = ""] = this.#characters;
    const isPlain = /[A-Za-z0-9_]/.test(first);
    for (let start = from; start < text.length; start++) {
      const letter = text[start]!;
      if (letter !== first[0] && (isPlain || !firsts.has(letter))) continue;
      if (this.#isOpen(text, start)) return text.length - start;
    }
    return 0;
  }

  #isOpen(text: string, start: number): boolean {
    /** The positions at which the characters so far may end. */
    let ends = new Set([start]);
    for (const [index, character] of this.#characters.entries()) {
      const next = new Set<number>();
      const { whole, beginning } = (this.#ways[index] ??= waysOf(character));
      for (const end of ends) {
        if (end === text.length) return true;
        if (text.length - end <= longestBeginning && beginning?.test(text.slice(end)) === true) return true;
        for (const way of whole) {
          way.lastIndex = end;
          if (way.test(text)) next.add(way.lastIndex);
        }
        // One spelling may stand for several equal characters.
        if (beginning !== undefined && character === this.#characters[index - 1]) next.add(end);
      }
      if (next.size === 0) return false;
      ends = next;
    }
    return false;
  }
}

function waysOf(character: string): { whole: RegExp[]; beginning?: RegExp } {
  const ways = spellings(character);
  const whole = ways.map((way) => new RegExp(way, "y"));
  if (ways.length === 1) return { whole };
  const own = ownBeginnings[character];
  return { whole, beginning: new RegExp(`^(?:${[...beginnings, ...(own === undefined ? [] : [own])].join("|")})$`) };
}

/** The UTF-8 bytes of a character, each after a backslash. */
function byBytes(character: string, write: (byte: number) => string): string {
  return Array.from(Buffer.from(character), (byte) => String.raw`\\{1,15}${write(byte)}`).join("");
}

function literals(character: string, literal: string): string[] {
  switch (character) {
    case "\\":
      return [String.raw`\\{1,15}`];
    case "\n":
      // In a YAML block the next line is indented.
      return [String.raw`\r?\n[ \t]{0,40}`, String.raw`(?:\\{1,15}r)?\\{1,15}n`];
    case "\r":
      return [String.raw`\r?`, String.raw`\\{1,15}r`];
    case "\t":
      return [String.raw`\t`, String.raw`\\{1,15}t`];
    // A shell closes the quotes, writes a quote, and opens them again.
    case "'":
      return [String.raw`'\\{1,15}''`, `'"'"'`, String.raw`(?:\\{0,15}'){1,4}`];
    case "$":
    case '"':
    case "%":
      return [String.raw`(?:\\{0,15}${literal}){1,4}`];
    default:
      return [String.raw`\\{0,15}${literal}`];
  }
}

/** Percent-encoded UTF-8. */
function percent(character: string, sign: string): string {
  return Array.from(Buffer.from(character), (byte) => sign + hex(byte, 2)).join("");
}

/** A hexadecimal number in upper or lower case. */
function hex(code: number, digits: number): string {
  const written = code.toString(16).padStart(digits, "0");
  return written.replaceAll(/[a-f]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}

export function escapeForPattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}
