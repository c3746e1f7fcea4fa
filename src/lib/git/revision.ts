import { ColdtivateError } from "../errors.ts";
import { matchesAny } from "./pattern.ts";
import { slugify } from "./slug.ts";

/** Where a command may get its commit from. Absent or empty values were not given. */
export interface RevisionRequest {
  tag?: string | undefined;
  ref?: string | undefined;
  ci?: { tag?: string | undefined; sha?: string | undefined; refName?: string | undefined; refSlug?: string | undefined } | undefined;
}

/** The commit that a command means. */
export interface Revision {
  commit: string;
  /** Its tag or branch, if there is one. */
  ref?: string;
  /** That name as GitLab writes it in CI_COMMIT_REF_SLUG. */
  slug?: string;
}

/** Which branches and tags an environment accepts. */
export interface RevisionRules {
  name: string;
  branches: readonly string[];
  tags: readonly string[];
}

/** What a repository is asked to choose a commit. */
export interface RevisionFacts {
  /** What is checked out. */
  checkedOut: { commit?: string; branch?: string };
  resolve(ref: string): Promise<string | undefined>;
  resolveTag(tag: string): Promise<string | undefined>;
  tagsAt(commit: string): Promise<string[]>;
  isReachableFrom(commit: string, branchPatterns: readonly string[]): Promise<boolean>;
}

type Wanted = { by: "tag" | "ref" | "commit" | "head"; name: string; source: string };

/**
 * Chooses the commit to deploy from --tag, --ref, CI_COMMIT_TAG, CI_COMMIT_SHA, HEAD, in this order, and checks that the
 * environment accepts it.
 * @throws ColdtivateError REF_UNKNOWN (usage), REF_NOT_ALLOWED (refused)
 */
export async function chooseRevision(request: RevisionRequest, rules: RevisionRules, facts: RevisionFacts): Promise<Revision> {
  const wanted = pickWanted(request);
  const commit = await findCommit(wanted, facts);
  const tag = rules.tags.length > 0 ? await findTag(wanted, commit, rules, facts) : undefined;
  if (tag !== undefined) return named(commit, tag);
  if (wanted.by === "tag" || rules.branches.length === 0) throw notAllowed(wanted, commit, rules, await facts.tagsAt(commit));
  if (!(await facts.isReachableFrom(commit, rules.branches))) throw notAllowed(wanted, commit, rules, []);
  return named(commit, branchName(wanted, request, rules, facts), wanted.by === "commit" ? request.ci?.refSlug : undefined);
}

/**
 * Describes the commit to build: the one that is checked out. Its name is CI's ref, the branch, or the only tag that points at
 * it.
 * @throws ColdtivateError NO_COMMIT, COMMIT_NOT_CHECKED_OUT
 */
export async function describeCheckout(request: RevisionRequest, facts: RevisionFacts): Promise<Revision> {
  const { commit, branch } = facts.checkedOut;
  if (commit === undefined) throw unknown({ by: "head", name: "HEAD", source: "HEAD" });
  const { tag, sha, refName, refSlug } = request.ci ?? {};
  if (sha && sha !== commit) {
    throw new ColdtivateError(`CI_COMMIT_SHA is ${sha.slice(0, 8)}, but ${commit.slice(0, 8)} is checked out`, {
      code: "COMMIT_NOT_CHECKED_OUT",
      exit: "refused",
      hint: `Run git checkout ${sha}, or unset CI_COMMIT_SHA.`,
    });
  }
  const ref = tag || refName || branch || (await onlyTagAt(commit, facts));
  return named(commit, ref, tag ? undefined : refSlug);
}

async function onlyTagAt(commit: string, facts: RevisionFacts): Promise<string | undefined> {
  const tags = await facts.tagsAt(commit);
  return tags.length === 1 ? tags[0] : undefined;
}

function pickWanted({ tag, ref, ci }: RevisionRequest): Wanted {
  if (tag) return { by: "tag", name: tag, source: "--tag" };
  if (ref) return { by: "ref", name: ref, source: "--ref" };
  if (ci?.tag) return { by: "tag", name: ci.tag, source: "CI_COMMIT_TAG" };
  if (ci?.sha) return { by: "commit", name: ci.sha, source: "CI_COMMIT_SHA" };
  return { by: "head", name: "HEAD", source: "HEAD" };
}

async function findCommit(wanted: Wanted, facts: RevisionFacts): Promise<string> {
  const commit = wanted.by === "tag" ? await facts.resolveTag(wanted.name) : await facts.resolve(wanted.name);
  if (commit === undefined) throw unknown(wanted);
  return commit;
}

/** Finds the allowed tag of the commit. A branch that was asked for by name stays a branch, even if a tag points at its tip. */
async function findTag(wanted: Wanted, commit: string, rules: RevisionRules, facts: RevisionFacts): Promise<string | undefined> {
  const isTag = wanted.by === "tag" || (wanted.by === "ref" && (await facts.resolveTag(wanted.name)) === commit);
  if (isTag) return matchesAny(wanted.name, rules.tags) ? wanted.name : undefined;
  if (wanted.by === "ref" && !/^[0-9a-f]{7,64}$/.test(wanted.name)) return undefined;
  const allowed = (await facts.tagsAt(commit)).filter((tag) => matchesAny(tag, rules.tags));
  return allowed.length === 1 ? allowed[0] : undefined;
}

function branchName(
  wanted: Wanted,
  request: RevisionRequest,
  rules: RevisionRules,
  facts: Pick<RevisionFacts, "checkedOut">,
): string | undefined {
  const candidates = {
    ref: wanted.name,
    commit: request.ci?.refName,
    head: facts.checkedOut.branch,
    tag: undefined,
  };
  const name = candidates[wanted.by];
  if (name && matchesAny(name, rules.branches)) return name;
  return rules.branches.find((pattern) => !pattern.includes("*"));
}

function named(commit: string, ref: string | undefined, refSlug?: string): Revision {
  const slug = refSlug || slugify(ref ?? "");
  return { commit, ...(ref && { ref }), ...(slug && { slug }) };
}

function unknown({ by, name, source }: Wanted): ColdtivateError {
  if (by === "head") {
    return new ColdtivateError("the repository has no commit yet", {
      code: "NO_COMMIT",
      exit: "usage",
      hint: "Commit what is to be built.",
    });
  }
  const kind = by === "tag" ? "tag" : "tag, branch or commit";
  return new ColdtivateError(`there is no ${kind} "${name}" in this clone (from ${source})`, {
    code: "REF_UNKNOWN",
    exit: "usage",
    hint: "Check its spelling, or get what the remote has: git fetch --tags origin",
  });
}

function notAllowed(wanted: Wanted, commit: string, rules: RevisionRules, tagsHere: readonly string[]): ColdtivateError {
  const takes = [
    ...(rules.branches.length > 0 ? [`commits of ${listed(rules.branches, "branch", "branches")}`] : []),
    ...(rules.tags.length > 0 ? [listed(rules.tags, "tag", "tags")] : []),
  ].join(" and ");
  const what =
    wanted.by === "head" || wanted.by === "commit" ? `${wanted.source} (${commit.slice(0, 8)})` : `${wanted.source} ${wanted.name}`;
  const several = tagsHere.filter((tag) => matchesAny(tag, rules.tags));
  return new ColdtivateError(`${rules.name} takes ${takes} only: ${what} is none`, {
    code: "REF_NOT_ALLOWED",
    exit: "refused",
    hint: hintFor(rules, several, wanted),
  });
}

function hintFor(rules: RevisionRules, tags: readonly string[], wanted: Wanted): string {
  if (tags.length > 0) return `Say which tag: ${tags.map((tag) => `--tag ${tag}`).join(" or ")}.`;
  if (wanted.by === "tag" && rules.tags.length === 0) return "It takes no tags: name a commit with --ref NAME, or none for HEAD.";
  if (rules.branches.length === 0) return "Name a tag: --tag NAME.";
  return "Merge the commit, or name another one: --ref NAME.";
}

function listed(patterns: readonly string[], one: string, many: string): string {
  return `${patterns.length === 1 ? one : many} ${patterns.join(", ")}`;
}
