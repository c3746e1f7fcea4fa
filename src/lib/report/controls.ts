/**
 * C0 but newline and tab, DEL, C1, and what turns the direction of a text around: a terminal obeys them, and a reader sees none.
 * Sources: ECMA-48 (C0, C1 and control sequences), Unicode's annex 9 (embeddings, overrides and isolates).
 */
// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/;
const controls = new RegExp(control, "g");

/** A control sequence as a whole, such as a colour: what is left of it would be noise. */
// oxlint-disable-next-line no-control-regex
const sequences = /(?:\u001B\[|\u009B)[0-9;:?]*[A-Za-z@`~]/g;

/** What our palette and the help put around texts: bold, faint, underlined, red, green, yellow, and their ends. */
const colour = String.raw`\u001B\[(?:[124]|2[24]|3[1-3]|39)m`;

/** The end of a mark of GitLab's sections, as we write it. */
const section = String.raw`(?<=(?:^|\n)section_(?:start|end):\d+:[a-z0-9_.-]+(?:\[collapsed=true\])?)\r\u001B\[0K`;

/** How the live display moves: up, down, to the left; erases; hides and shows the cursor; draws a frame at once. */
const movement = String.raw`\u001B\[(?:\d*[ABG]|[0-2]?[JK]|\?(?:25|2026)[hl]|0m)`;

const ours = new RegExp(`(${colour}|${section})`);
const oursInFrames = new RegExp(`(${colour}|${movement})`);

/** The text without anything that a terminal would obey, except newlines and tabs: for what others say. */
export function withoutControls(text: string): string {
  return control.test(text) ? text.replaceAll(sequences, "").replaceAll(controls, "") : text;
}

/**
 * The same for what is put together already: our own colours and marks stay.
 *
 * @param inFrame whether it is drawn over what was drawn before, so that our own movements stay, too
 */
export function withoutForeignControls(text: string, inFrame = false): string {
  if (!control.test(text)) return text;
  return splitAtOurs(text, inFrame)
    .map((part, index) => (index % 2 === 1 ? part : withoutControls(part)))
    .join("");
}

/** A text in parts: every other one, from the second on, is a sequence of our own. */
export function splitAtOurs(text: string, inFrame = false): string[] {
  return text.split(inFrame ? oursInFrames : ours);
}
