import type { ImageSource } from "./content-digest.ts";

const day = 86_400_000;

/**
 * Finds build arguments that differ in every build: the commit, and times. Images that use them are never found by their content
 * again.
 * @param now milliseconds since the epoch
 * @returns a warning for each
 */
export function findVolatileArguments(sources: readonly ImageSource[], commit: string, now: number): string[] {
  const found = new Map<string, { what: string; images: string[] }>();
  for (const { name: image, args } of sources) {
    for (const [name, value] of Object.entries(args)) {
      const what = isCommit(value, commit) ? "the commit that is built" : isNow(value, now) ? "the time" : undefined;
      if (what === undefined) continue;
      const entry = found.get(`${name} ${what}`) ?? { what, images: [] };
      entry.images.push(image);
      found.set(`${name} ${what}`, entry);
    }
  }
  return [...found].map(([key, { what, images }]) => {
    const listed = images.length > 3 ? `${images.slice(0, 3).join(", ")} and ${images.length - 3} more` : images.join(", ");
    return `the build argument ${key.split(" ")[0]} holds ${what}: ${listed} will be built for every commit; COMMIT, which is the last one that touched an image's files, does without`;
  });
}

function isCommit(value: string, commit: string): boolean {
  return value.length >= 7 && commit.startsWith(value.toLowerCase());
}

/** A date within a day of now, or a Unix time in seconds or milliseconds. */
function isNow(value: string, now: number): boolean {
  const time = /^\d{10}$/.test(value) ? Number(value) * 1000 : /^\d{13}$/.test(value) ? Number(value) : dateOf(value);
  return Math.abs(time - now) < day;
}

function dateOf(value: string): number {
  return /^\d{4}-?\d\d-?\d\d/.test(value) ? Date.parse(value.replace(/^(\d{4})(\d\d)(\d\d)/, "$1-$2-$3")) : Number.NaN;
}
