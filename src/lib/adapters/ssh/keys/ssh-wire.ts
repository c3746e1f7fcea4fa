/** Reads the elements of SSH's binary formats (RFC 4251, section 5). Throws RangeError past the end. */
export class WireReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** How many bytes were read, counted from the buffer's beginning. */
  get position(): number {
    return this.#at;
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError("cut short");
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }

  uint32(): number {
    return this.take(4).readUInt32BE(0);
  }

  uint64(): bigint {
    return this.take(8).readBigUInt64BE(0);
  }

  string(): Buffer {
    return this.take(this.uint32());
  }

  text(): string {
    return this.string().toString("utf8");
  }

  names(): string[] {
    return this.text().split(",");
  }

  /** All strings of a buffer, which they must fill to its end. */
  static allOf(bytes: Buffer): Buffer[] {
    const reader = new WireReader(bytes);
    const found: Buffer[] = [];
    while (reader.position < bytes.length) found.push(reader.string());
    return found;
  }
}

export function wireString(content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** A positive number of any size, without leading zeros, except the one that keeps it positive. */
export function wireNumber(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  const isNegative = digits.length > 0 && (digits[0]! & 0x80) !== 0;
  return wireString(isNegative ? Buffer.concat([Buffer.of(0), digits]) : digits);
}
