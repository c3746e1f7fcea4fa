const named: Readonly<Record<string, string>> = { "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos" };

/**
 * A pattern that matches a text in every spelling of its special characters: literal; escaped with backslashes any number of
 * times (JSON in JSON, shells); by number (`\u0024`, `\x24`); URL-encoded (`%24`, `+`); for HTML (`&amp;`); or doubled (`$$` in
 * Compose files, `''` in YAML). Letters and digits are the same everywhere.
 */
export function spelling(text: string): string {
  return Array.from(text, spell).join("");
}

function spell(character: string): string {
  if (/[A-Za-z0-9_]/.test(character)) return character;
  const code = character.codePointAt(0)!;
  const literal = escapeForPattern(character);
  const units = Array.from({ length: character.length }, (_, index) => hex(character.charCodeAt(index), 4));
  return `(?:${[
    ...literals(character, literal),
    percent(character),
    ...(character === " " ? [String.raw`\+`] : []),
    String.raw`\\{1,15}${units.map((unit) => `u${unit}`).join(String.raw`\\{1,15}`)}`,
    ...(code < 256 ? [String.raw`\\{1,15}x${hex(code, 2)}`] : []),
    `&#(?:${code}|x0*${hex(code, 1)});`,
    ...(named[character] === undefined ? [] : [`&${named[character]};`]),
  ].join("|")})`;
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

/** Percent-encoded UTF-8, encoded once or twice. */
function percent(character: string): string {
  return Array.from(Buffer.from(character), (byte) => `%(?:25)?${hex(byte, 2)}`).join("");
}

/** A hexadecimal number in upper or lower case. */
function hex(code: number, digits: number): string {
  const written = code.toString(16).padStart(digits, "0");
  return written.replaceAll(/[a-f]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}

export function escapeForPattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}
