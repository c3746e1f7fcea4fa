/** Numbers that only seem to be random: the same seed gives the same ones, on any machine. */
export interface Random {
  /** A whole number from 0 up to a bound, which is left out. */
  below: (bound: number) => number;
  pick: <Value>(values: readonly Value[]) => Value;
  /** True once in so many times. */
  once: (times: number) => boolean;
  bytes: (length: number) => Buffer;
}

/** mulberry32, by Tommy Ettinger. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number) => Math.floor(next() * bound);
  return {
    below,
    pick: (values) => values[below(values.length)]!,
    once: (times) => below(times) === 0,
    bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))),
  };
}

/** A seed of its own for each input of each kind: one can be made again without those before it. */
export function seedOf(seed: number, kind: string, index: number): number {
  let hash = seed ^ Math.imul(index + 1, 0x9e3779b1);
  for (const letter of kind) hash = Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193);
  return hash >>> 0;
}
