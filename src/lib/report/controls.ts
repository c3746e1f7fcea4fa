/**
 * C0 except newline and tab, DEL, C1, and characters that change the direction of text. A terminal obeys them, and a reader does
 * not see them. Sources: ECMA-48 (C0, C1 and control sequences), Unicode's annex 9 (embeddings, overrides and isolates).
 */
// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/;
const controls = new RegExp(control, "g");

/** A complete control sequence, such as a colour. Removing only its control character would leave noise. */
// oxlint-disable-next-line no-control-regex
const sequences = /(?:\u001B\[|\u009B)[0-9;:?]*[A-Za-z@`~]/g;

/** The sequences that our palette and the help use: bold, faint, underlined, red, green, yellow, and their ends. */
const colour = String.raw`\u001B\[(?:[124]|2[24]|3[1-3]|39)m`;

/** The end of a section marker for GitLab, as we write it. */
const section = String.raw`(?<=(?:^|\n)section_(?:start|end):\d+:[a-z0-9_.-]+(?:\[collapsed=true\])?)\r\u001B\[0K`;

/** The sequences of the live display: move up, down and left; erase; hide and show the cursor; draw a frame at once. */
const movement = String.raw`\u001B\[(?:\d*[ABG]|[0-2]?[JK]|\?(?:25|2026)[hl]|0m)`;

const ours = new RegExp(`(${colour}|${section})`);
const oursInFrames = new RegExp(`(${colour}|${movement})`);

/** Removes everything from a text that a terminal would obey, except newlines and tabs. For text from others. */
export function withoutControls(text: string): string {
  return control.test(text) ? text.replaceAll(sequences, "").replaceAll(controls, "") : text;
}

/**
 * The same for assembled output: our own colours and markers stay.
 *
 * @param inFrame whether the text is a frame drawn over an earlier one, so that our own cursor movements stay, too
 */
export function withoutForeignControls(text: string, inFrame = false): string {
  if (!control.test(text)) return text;
  return splitAtOurs(text, inFrame)
    .map((part, index) => (index % 2 === 1 ? part : withoutControls(part)))
    .join("");
}

/** Splits a text. Every other part, from the second on, is a sequence of our own. */
export function splitAtOurs(text: string, inFrame = false): string[] {
  return text.split(inFrame ? oursInFrames : ours);
}
