import { ordinaryWords } from "./ordinary-words.ts";

/** Why a secret cannot be kept out of output. */
export type Weakness = "too short" | "an ordinary word";

/** Shorter ones stand in digests, times and words by chance. */
const shortest = 6;

/** So many letters in a row, or digits, are no word, and no number. */
const longestWord = 15;

/** Why a value would blank out what is none of it; undefined where it can be kept out of output. */
export function weakness(value: string): Weakness | undefined {
  if (value.length < shortest) return "too short";
  return ordinaryWords.has(value.toLowerCase()) ? "an ordinary word" : undefined;
}

/** Whether it might be part of a longer word or number, so that it counts only where it stands alone. */
export function isWord(value: string): boolean {
  return value.length <= longestWord && /^(?:[A-Z]?[a-z]+|[A-Z]+|\d+)$/.test(value);
}
