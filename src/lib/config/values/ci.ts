/** The variables that GitLab sets for its jobs. Anyone else may set them, too. An empty variable counts as absent. */
export interface CiVariables {
  /** Whether this runs in a GitLab job. */
  gitlab: boolean;
  /** CI_COMMIT_TAG */
  tag?: string;
  /** CI_COMMIT_BRANCH */
  branch?: string;
  /** CI_COMMIT_SHA */
  sha?: string;
  /** CI_COMMIT_REF_NAME: the branch or tag. */
  refName?: string;
  /** CI_COMMIT_REF_SLUG: the same, as it can be used in an image's tag. */
  refSlug?: string;
  /** GITLAB_USER_LOGIN: the user who started the job. */
  userLogin?: string;
  /** CI_JOB_URL */
  jobUrl?: string;
}

type Name = Exclude<keyof CiVariables, "gitlab">;

const names: readonly (readonly [Name, string])[] = [
  ["tag", "CI_COMMIT_TAG"],
  ["branch", "CI_COMMIT_BRANCH"],
  ["sha", "CI_COMMIT_SHA"],
  ["refName", "CI_COMMIT_REF_NAME"],
  ["refSlug", "CI_COMMIT_REF_SLUG"],
  ["userLogin", "GITLAB_USER_LOGIN"],
  ["jobUrl", "CI_JOB_URL"],
];

/** Reads the variables of a CI job. */
export function readCi(env: NodeJS.ProcessEnv): CiVariables {
  const ci: CiVariables = { gitlab: env["GITLAB_CI"] === "true" };
  for (const [key, name] of names) {
    const value = env[name];
    if (value) ci[key] = value;
  }
  return ci;
}
