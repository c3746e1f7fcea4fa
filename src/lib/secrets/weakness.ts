import { ordinaryWords } from "./ordinary-words.ts";

/** Why a secret cannot be kept out of output. */
export type Weakness = "too short" | "an ordinary word";

/** Shorter values occur in digests, times and words by chance. */
const shortest = 6;

/** A longer run of letters, or of digits, is not a word or a number. */
const longestWord = 15;

/** Why redacting a value would also blank out unrelated text; undefined if the value can be kept out of output. */
export function weakness(value: string): Weakness | undefined {
  if (value.length < shortest) return "too short";
  return ordinaryWords.has(value.toLowerCase()) ? "an ordinary word" : undefined;
}

/** Whether a value might be part of a longer word or number, and so counts only where it stands alone. */
export function isWord(value: string): boolean {
  return value.length <= longestWord && /^(?:[A-Z]?[a-z]+|[A-Z]+|\d+)$/.test(value);
}
