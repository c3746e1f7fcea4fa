/** A part of a text: the offset where it begins, and the offset after its end. */
export interface Span {
  start: number;
  end: number;
}

/** Bits of a table that rules out most of what is not a piece. A lookup in it costs next to nothing. */
export const tableSize = 1 << 18;

/** Pieces of texts, all of the same length. Finds every place in a text where they follow one another. */
export class Fragments {
  readonly #length: number;
  readonly #pieces = new Set<string>();
  readonly #table = new Uint8Array(tableSize >> 3);

  /** @param length of a piece, in characters: shorter parts are not found */
  constructor(length: number) {
    this.#length = length;
  }

  /** Adds a text to look for. */
  add(text: string): void {
    for (let at = 0; at + this.#length <= text.length; at++) {
      this.#pieces.add(text.slice(at, at + this.#length));
      const bit = fragmentHash(text, at, this.#length);
      this.#table[bit >> 3]! |= 1 << (bit & 7);
    }
  }

  /** Every part of a text, as long as possible, that consists of pieces. */
  find(text: string): Span[] {
    const found: Span[] = [];
    for (let at = 0; at + this.#length <= text.length; at++) {
      if (!this.#isPiece(text, at)) continue;
      const last = found.at(-1);
      const end = at + this.#length;
      if (last !== undefined && last.end === end - 1) last.end = end;
      else found.push({ start: at, end });
    }
    return found;
  }

  /** How many characters at the end of a text are the beginning of a piece, but not a whole one. */
  openEnd(text: string): number {
    for (let length = this.#length - 1; length > 0; length--) {
      const end = text.slice(-length);
      if (end.length === length && [...this.#pieces].some((piece) => piece.startsWith(end))) return length;
    }
    return 0;
  }

  #isPiece(text: string, at: number): boolean {
    const bit = fragmentHash(text, at, this.#length);
    return (this.#table[bit >> 3]! & (1 << (bit & 7))) !== 0 && this.#pieces.has(text.slice(at, at + this.#length));
  }
}

/** FNV-1a, reduced to the table's size. */
export function fragmentHash(text: string, at: number, length: number): number {
  let hash = 0x811c9dc5;
  for (let index = at; index < at + length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash ^ (hash >>> 15)) & (tableSize - 1);
}
