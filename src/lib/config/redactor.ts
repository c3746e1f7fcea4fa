/** Shorter values would blank out ordinary words and give nothing away. */
const shortest = 4;

/** Shorter parts of base64 look like words. */
const shortestEncoded = 8;

/** Knows every secret of this process and takes them out of text that leaves it. */
export class Redactor {
  readonly #values = new Set<string>();

  /** Adds a secret, as a whole and line by line (a private key is printed by lines). */
  add(value: string): void {
    for (const part of [value, ...value.split(/\r?\n/)]) {
      const trimmed = part.trim();
      // `-----BEGIN OPENSSH PRIVATE KEY-----` tells nothing, and messages need it.
      if (trimmed.length < shortest || /^-----[A-Z ]+-----$/.test(trimmed)) continue;
      this.#values.add(trimmed);
      for (const encoded of encodings(trimmed)) this.#values.add(encoded);
      this.#values.add(encodeURIComponent(trimmed));
      this.#values.add(JSON.stringify(trimmed).slice(1, -1));
    }
  }

  /** The text with every known secret replaced by `***`, where they overlap too. */
  redact(text: string): string {
    const hits = [...this.#values].flatMap((value) => occurrences(text, value)).toSorted((a, b) => a.start - b.start);
    let redacted = "";
    let end = 0;
    for (const hit of hits) {
      if (hit.end <= end) continue;
      // A hit that overlaps the one before it shares its asterisks.
      if (hit.start >= end) redacted += `${text.slice(end, hit.start)}***`;
      end = hit.end;
    }
    return redacted + text.slice(end);
  }
}

/** In base64, for URLs too: alone, and from each place where it may begin within something longer, without what it shares a letter with there. */
function encodings(value: string): string[] {
  const bytes = Buffer.from(value);
  const within = [0, 1, 2].map((offset) => {
    const rest = bytes.subarray(offset);
    return rest.subarray(0, rest.length - (rest.length % 3)).toString("base64");
  });
  const all = [bytes.toString("base64"), ...within.filter((encoded) => encoded.length >= shortestEncoded)];
  return all.flatMap((encoded) => [encoded, encoded.replaceAll("+", "-").replaceAll("/", "_")]);
}

interface Span {
  start: number;
  end: number;
}

function occurrences(text: string, value: string): Span[] {
  const found: Span[] = [];
  for (let start = text.indexOf(value); start >= 0; start = text.indexOf(value, start + 1))
    found.push({ start, end: start + value.length });
  return found;
}

/** The process's own: secrets register here when they are loaded. */
export const redactor = new Redactor();
