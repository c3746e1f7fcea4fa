/** Shorter values would blank out ordinary words and give nothing away. */
const shortest = 4;

/** Knows every secret of this process and takes them out of text that leaves it. */
export class Redactor {
  readonly #values = new Set<string>();

  /** Adds a secret, as a whole and line by line (a private key is printed by lines). */
  add(value: string): void {
    for (const part of [value, ...value.split(/\r?\n/)]) {
      const trimmed = part.trim();
      if (trimmed.length < shortest) continue;
      this.#values.add(trimmed);
      this.#values.add(Buffer.from(trimmed).toString("base64"));
      this.#values.add(encodeURIComponent(trimmed));
      this.#values.add(JSON.stringify(trimmed).slice(1, -1));
    }
  }

  /** The text with every known secret replaced by `***`, longest first. */
  redact(text: string): string {
    let redacted = text;
    for (const value of [...this.#values].toSorted((a, b) => b.length - a.length)) redacted = redacted.replaceAll(value, "***");
    return redacted;
  }
}

/** The process's own: secrets register here when they are loaded. */
export const redactor = new Redactor();
