import { ColdtivateError } from "../errors.ts";
import { matchesAny } from "../git/pattern.ts";

export interface AdmissionFacts {
  commit: string;
  /** What the commit was asked for by, and how; absent when it was given by itself. */
  ref?: { kind: "tag" | "branch"; name: string };
  /** Tags that point at the commit. */
  tags: readonly string[];
  /** Whether a branch that the environment allows, or its `origin/` copy, holds the commit. */
  reachable: boolean;
}

export interface AdmissionRules {
  name: string;
  branches: readonly string[];
  tags: readonly string[];
}

/**
 * Whether an environment takes a commit: by one of its tags, or because one of its branches holds it.
 * @returns the ref that the release goes by
 * @throws ColdtivateError REF_NOT_ALLOWED
 */
export function admit(rules: AdmissionRules, facts: AdmissionFacts): string | undefined {
  const asked = facts.ref;
  if (asked?.kind === "tag") {
    if (matchesAny(asked.name, rules.tags)) return asked.name;
    throw refusal(rules, `${rules.name} does not take the tag ${asked.name}`);
  }
  if (asked?.kind === "branch") {
    if (facts.reachable) return matchesAny(asked.name, rules.branches) ? asked.name : undefined;
    throw refusal(rules, `${rules.name} does not take the branch ${asked.name}`);
  }
  const tag = facts.tags.find((name) => matchesAny(name, rules.tags));
  if (tag !== undefined) return tag;
  if (facts.reachable) return undefined;
  throw refusal(rules, `${rules.name} does not take commit ${facts.commit.slice(0, 8)}`);
}

function refusal(rules: AdmissionRules, message: string): ColdtivateError {
  const taken = [
    ...(rules.branches.length > 0 ? [`commits on ${rules.branches.join(", ")}`] : []),
    ...(rules.tags.length > 0 ? [`tags ${rules.tags.join(", ")}`] : []),
  ];
  const flag = rules.tags.length > 0 ? "Name the release with --tag." : "Check out one of them, or name it with --ref.";
  return new ColdtivateError(message, {
    code: "REF_NOT_ALLOWED",
    exit: "refused",
    hint: `Nothing was changed. It takes ${taken.join(" and ")} (coldtivate.yml, environments.${rules.name}). ${flag}`,
  });
}
