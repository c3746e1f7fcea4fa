/** The longest that a host's words get in an error. */
const longest = 300;

/** A host's words as one line that a terminal only shows: nothing in it that it would obey. */
export function printable(text: string): string {
  return text.slice(0, longest).replaceAll(/\p{Cc}+/gu, " ");
}
