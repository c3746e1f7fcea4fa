import type { ProjectFacts } from "./facts.ts";

/** Something that a container sees under one of both and not under the other. */
export interface Difference {
  /** `project container: fact`. */
  at: string;
  plain: string | undefined;
  ours: string | undefined;
  /** What was done before, where it is not the first look. */
  after?: string;
}

/** A difference that is meant, and why. */
export interface Allowed {
  at: RegExp;
  reason: string;
  /** Whether it is the one that is meant. */
  when?: (difference: Difference) => boolean;
}

/** Everything in which two runs of a project differ. */
export function differences(project: string, plain: ProjectFacts, ours: ProjectFacts): Difference[] {
  const found: Difference[] = [];
  for (const container of union(plain, ours)) {
    const [left, right] = [plain[container], ours[container]];
    if (left === undefined || right === undefined) {
      found.push({
        at: `${project} ${container}:`,
        plain: left === undefined ? undefined : "is there",
        ours: right === undefined ? undefined : "is there",
      });
      continue;
    }
    for (const fact of union(left, right))
      if (left[fact] !== right[fact]) found.push({ at: `${project} ${container}: ${fact}`, plain: left[fact], ours: right[fact] });
  }
  return found;
}

/** The differences that nobody has a reason for; those that somebody has are noted in `used`. */
export function unexplained(found: readonly Difference[], allowed: readonly Allowed[], used: Set<Allowed>): string[] {
  return found.flatMap((difference) => {
    const reason = allowed.find(({ at, when }) => at.test(difference.at) && (when?.(difference) ?? true));
    if (reason !== undefined) used.add(reason);
    return reason === undefined
      ? [
          `${difference.at}${difference.after === undefined ? "" : ` (${difference.after})`}: ${show(difference.plain)}, with coldtivate ${show(difference.ours)}`,
        ]
      : [];
  });
}

const show = (value: string | undefined): string => (value === undefined ? "not there" : `"${value}"`);

function union(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].toSorted();
}
