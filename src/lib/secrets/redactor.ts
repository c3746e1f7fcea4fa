import { Encodings } from "./encodings.ts";
import type { Span } from "./fragments.ts";
import { SecretTexts } from "./secret-texts.ts";
import { isWord, weakness, type Weakness } from "./weakness.ts";

export type { Span } from "./fragments.ts";

/** Shorter lines of a secret with several lines are not added by themselves. */
const shortestLine = 8;

/** Called with the name of a secret that cannot be kept out of output. */
export type OnWeak = (name: string, weakness: Weakness) => void;

/** Knows every secret of this process and removes them from text that leaves it. */
export class Redactor {
  readonly #known = new Set<string>();
  readonly #texts = new SecretTexts();
  readonly #encodings = new Encodings();
  readonly #weak = new Map<string, Weakness>();
  #onWeak: OnWeak = () => {};

  /**
   * Adds a secret as a whole and line by line (a private key is printed by lines), and the password of an address. A value that
   * is too short, or an ordinary word, would blank out other words. It is not added; the listener is called once instead.
   *
   * @param name what to call it in messages: a variable, or a place in coldtivate.yml
   */
  add(value: string, name?: string): void {
    const whole = value.trim();
    if (whole === "") return;
    const weak = weakness(whole);
    if (weak !== undefined) {
      if (name !== undefined) this.noteWeak(name, weak);
      return;
    }
    if (this.#known.has(whole)) return;
    this.#take(whole);
    // This covers the lines as well: they are parts of the encoded text.
    this.#encodings.add(whole);
    for (const line of whole.split(/\r?\n/).map((text) => text.trim())) {
      // `-----BEGIN OPENSSH PRIVATE KEY-----` reveals nothing, and messages need it.
      if (line.length >= shortestLine && !/^-----[A-Z ]+-----$/.test(line) && weakness(line) === undefined) this.#take(line);
    }
    this.addPasswords(whole, name);
  }

  /** Adds the password of an address, and nothing else of it. */
  addPasswords(address: string, name?: string): void {
    for (const part of passwordsOf(address)) this.add(part, name);
  }

  /** Reports that a secret cannot be kept out of output. */
  noteWeak(name: string, weak: Weakness): void {
    if (this.#weak.has(name)) return;
    this.#weak.set(name, weak);
    this.#onWeak(name, weak);
  }

  /**
   * Sets the listener for secrets that cannot be kept out of output. It is called for those known so far, and for each later one.
   */
  set onWeak(onWeak: OnWeak) {
    this.#onWeak = onWeak;
    for (const [name, weak] of this.#weak) onWeak(name, weak);
  }

  /** The text with every known secret replaced by `***`, even where secrets overlap. */
  redact(text: string): string {
    return blank(text, this.find(text));
  }

  /** The spans of the secrets in a text, in order and without overlap. */
  find(text: string): Span[] {
    if (this.#known.size === 0) return [];
    const hits = [...this.#texts.find(text), ...this.#encodings.find(text)].toSorted((a, b) => a.start - b.start);
    const found: Span[] = [];
    for (const hit of hits) {
      const last = found.at(-1);
      if (last !== undefined && hit.start < last.end) last.end = Math.max(last.end, hit.end);
      else found.push({ ...hit });
    }
    return found;
  }

  /** How many characters at the end of a text may be the beginning of a secret that continues in the next output. */
  openEnd(text: string): number {
    if (this.#known.size === 0 || text === "") return 0;
    const open = Math.max(this.#texts.openEnd(text), text.endsWith("\n") ? 0 : this.#encodings.openEnd(text));
    if (open === 0) return 0;
    // A secret that was found must not be cut in two.
    const cut = this.find(text).find(({ end }) => end > text.length - open);
    return cut === undefined ? open : Math.max(open, text.length - cut.start);
  }

  #take(text: string): void {
    if (this.#known.has(text)) return;
    this.#known.add(text);
    this.#texts.add(text, isWord(text));
  }
}

/** The password of `scheme://user:password@host`, as written and decoded. */
function passwordsOf(value: string): string[] {
  const [, password] = /^[a-z][a-z0-9+.-]*:\/\/[^/@\s]*?:([^/@\s]+)@/i.exec(value) ?? [];
  if (password === undefined) return [];
  try {
    return [...new Set([password, decodeURIComponent(password)])];
  } catch {
    return [password];
  }
}

/**
 * Replaces spans of a whole text with `***` in a part of it.
 *
 * @param at where the part begins in the whole
 */
export function blank(text: string, spans: readonly Span[], at = 0): string {
  let blanked = "";
  let end = at;
  for (const span of spans) {
    if (span.end <= at || span.start >= at + text.length) continue;
    blanked += text.slice(end - at, Math.max(0, span.start - at));
    // A span that began in an earlier part has its asterisks there.
    if (span.start >= at) blanked += "***";
    end = Math.min(span.end, at + text.length);
  }
  return blanked + text.slice(end - at);
}

/** The redactor of this process: secrets are registered here when they are loaded. */
export const redactor = new Redactor();
