import { slugify } from "../git/slug.ts";

export interface VariableFacts {
  environment: string;
  registry: { host: string; image: string };
  commit: string;
  /** Branch or tag. */
  ref?: string;
  isTag: boolean;
  /** Whether the environment has a dotenv. */
  hasDotenv: boolean;
  /** The process's own. */
  env: Readonly<Record<string, string | undefined>>;
}

/**
 * The variables that Compose files may interpolate beside the dotenv's: the release's own, and of the process's
 * environment only GitLab's. Anything else that an engineer's shell happens to hold stays out of a release.
 */
export function composeVariables(facts: VariableFacts): Record<string, string> {
  const own: Record<string, string> = {
    ENVIRONMENT: facts.environment,
    CI_REGISTRY: facts.registry.host,
    CI_REGISTRY_IMAGE: facts.registry.image,
    CI_COMMIT_SHA: facts.commit,
    CI_COMMIT_SHORT_SHA: facts.commit.slice(0, 8),
    ...(facts.ref === undefined ? {} : { CI_COMMIT_REF_NAME: facts.ref, CI_COMMIT_REF_SLUG: slugify(facts.ref) }),
    ...(facts.ref !== undefined && facts.isTag ? { CI_COMMIT_TAG: facts.ref } : {}),
    ...(facts.hasDotenv ? { DOT_ENV_PATH: "../dotenv" } : {}),
  };
  const given = Object.entries(facts.env).filter(
    (entry): entry is [string, string] => entry[0].startsWith("CI_") && !entry[0].startsWith("CI_COMMIT_") && entry[1] !== undefined,
  );
  return { ...Object.fromEntries(given), ...own };
}
