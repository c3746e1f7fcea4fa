import { harmlessVariables } from "../../../config/values/compose-variables.ts";
import { shortCommit, slugify } from "../../../git/slug.ts";

export interface VariableFacts {
  environment: string;
  registry: { host: string; image: string };
  commit: string;
  /** Branch or tag. */
  ref?: string;
  isTag: boolean;
  /** Whether the environment has a dotenv. */
  hasDotenv: boolean;
  /** Further variables of the process's own environment that the configuration lets in. */
  allowed: readonly string[];
  /** The process's own environment. */
  env: Readonly<Record<string, string | undefined>>;
}

/**
 * The variables that Compose files may interpolate in addition to the dotenv's:
 *
 * - the release's own,
 * - variables of the process's environment that grant no access to anything,
 * - variables that the configuration lets in.
 *
 * Somebody who can write a branch can read nothing else of what the deploying job holds.
 */
export function composeVariables(facts: VariableFacts): Record<string, string> {
  const own: Record<string, string> = {
    ENVIRONMENT: facts.environment,
    CI_REGISTRY: facts.registry.host,
    CI_REGISTRY_IMAGE: facts.registry.image,
    CI_COMMIT_SHA: facts.commit,
    CI_COMMIT_SHORT_SHA: shortCommit(facts.commit),
    ...(facts.ref === undefined ? {} : { CI_COMMIT_REF_NAME: facts.ref, CI_COMMIT_REF_SLUG: slugify(facts.ref) }),
    ...(facts.ref !== undefined && facts.isTag ? { CI_COMMIT_TAG: facts.ref } : {}),
    ...(facts.hasDotenv ? { DOT_ENV_PATH: "../dotenv" } : {}),
  };
  const given = [...harmlessVariables, ...facts.allowed].flatMap((name) => {
    const value = Object.hasOwn(facts.env, name) ? facts.env[name] : undefined;
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(given), ...own };
}
