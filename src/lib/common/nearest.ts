/** ` (did you mean "context"?)` if a known name is close to the written one; otherwise an empty text. */
export function didYouMean(written: string, known: Iterable<string>): string {
  const name = nearest(written, known);
  return name === undefined ? "" : ` (did you mean "${name}"?)`;
}

/** Longer names, or more names than this, are not compared: that would take seconds, and nobody reads the answer. */
const longest = 64;
const most = 500;

/** The known name with the fewest edits to the written one, if at most a third of the letters differ. */
export function nearest(written: string, known: Iterable<string>): string | undefined {
  if (written.length > longest) return undefined;
  const limit = Math.max(1, Math.floor(written.length / 3));
  let best: { name: string; edits: number } | undefined;
  let compared = 0;
  for (const name of known) {
    if (Math.abs(name.length - written.length) > limit) continue;
    if (++compared > most) break;
    const edits = editDistance(written.toLowerCase(), name.toLowerCase());
    if (edits <= limit && (best === undefined || edits < best.edits)) best = { name, edits };
  }
  return best?.name;
}

/** Counts letters that are added, removed, replaced or swapped with their neighbour. */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = from[row - 2] === to[column - 1] && from[row - 1] === to[column - 2];
      const replaced = (last[column - 1] ?? 0) + (same ? 0 : 1);
      const edits = Math.min(replaced, (last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      current.push(swapped ? Math.min(edits, (beforeLast[column - 2] ?? Infinity) + 1) : edits);
    }
    [beforeLast, last] = [last, current];
  }
  return last[to.length] ?? 0;
}
