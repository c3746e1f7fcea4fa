import { asList, asMapping, valueAt } from "../../common/plain.ts";
import type { Problem } from "../../common/problem.ts";
import { placesOfSecrets } from "./secrets.ts";
import type { Variables } from "./variables.ts";

/**
 * GitLab's variables that say what is deployed, where and by which job, and give nobody a right (GitLab's reference of predefined
 * variables). Those of the commit are the release's own: it may be another one than the job's.
 */
export const harmlessVariables: ReadonlySet<string> = new Set(
  [
    "CI_API_GRAPHQL_URL CI_API_V4_URL CI_CONFIG_PATH CI_DEFAULT_BRANCH CI_DEFAULT_BRANCH_SLUG",
    "CI_DEPENDENCY_PROXY_DIRECT_GROUP_IMAGE_PREFIX CI_DEPENDENCY_PROXY_GROUP_IMAGE_PREFIX CI_DEPENDENCY_PROXY_SERVER",
    "CI_ENVIRONMENT_ACTION CI_ENVIRONMENT_ID CI_ENVIRONMENT_NAME CI_ENVIRONMENT_SLUG CI_ENVIRONMENT_TIER CI_ENVIRONMENT_URL",
    "CI_JOB_GROUP_NAME CI_JOB_ID CI_JOB_IMAGE CI_JOB_MANUAL CI_JOB_NAME CI_JOB_NAME_SLUG CI_JOB_STAGE CI_JOB_STARTED_AT CI_JOB_URL",
    "CI_MERGE_REQUEST_ID CI_MERGE_REQUEST_IID CI_MERGE_REQUEST_PROJECT_ID CI_MERGE_REQUEST_PROJECT_PATH",
    "CI_MERGE_REQUEST_PROJECT_URL CI_MERGE_REQUEST_SOURCE_BRANCH_NAME CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
    "CI_NODE_INDEX CI_NODE_TOTAL CI_PAGES_DOMAIN CI_PAGES_HOSTNAME CI_PAGES_URL",
    "CI_PIPELINE_CREATED_AT CI_PIPELINE_ID CI_PIPELINE_IID CI_PIPELINE_NAME CI_PIPELINE_SOURCE CI_PIPELINE_TRIGGERED CI_PIPELINE_URL",
    "CI_PROJECT_ID CI_PROJECT_NAME CI_PROJECT_NAMESPACE CI_PROJECT_NAMESPACE_ID CI_PROJECT_NAMESPACE_SLUG CI_PROJECT_PATH",
    "CI_PROJECT_PATH_SLUG CI_PROJECT_ROOT_NAMESPACE CI_PROJECT_TITLE CI_PROJECT_URL CI_PROJECT_VISIBILITY",
    "CI_SERVER_FQDN CI_SERVER_HOST CI_SERVER_NAME CI_SERVER_PORT CI_SERVER_PROTOCOL CI_SERVER_SHELL_SSH_HOST",
    "CI_SERVER_SHELL_SSH_PORT CI_SERVER_URL CI_SERVER_VERSION CI_SERVER_VERSION_MAJOR CI_SERVER_VERSION_MINOR CI_TEMPLATE_REGISTRY_HOST",
  ].flatMap((line) => line.split(" ")),
);

/** What gives whoever has it the rights of the job: no Compose file gets it, whatever is written. */
export const jobCredentials: ReadonlySet<string> = new Set([
  "CI_DEPENDENCY_PROXY_PASSWORD",
  "CI_DEPLOY_PASSWORD",
  "CI_JOB_JWT",
  "CI_JOB_JWT_V1",
  "CI_JOB_JWT_V2",
  "CI_JOB_TOKEN",
  "CI_REGISTRY_PASSWORD",
  "CI_REPOSITORY_URL",
  "CI_RUNNER_SHORT_TOKEN",
]);

/** What Compose has of the host, whatever else is said: `docker` itself needs it there. */
export const hostVariables: ReadonlySet<string> = new Set(["HOME", "PATH"]);

/** Names under `compose_variables` of what Compose files never get. */
export function findVariableProblems(value: unknown, variables: Variables): Problem[] {
  const secret = secretVariables(value, variables);
  return asList(asMapping(value)["compose_variables"]).flatMap((name, index): Problem[] => {
    if (typeof name !== "string") return [];
    const problem = (message: string): Problem[] => [{ path: ["compose_variables", index], message: `${name} ${message}` }];
    if (hostVariables.has(name)) return problem("is the host's own: use a variable of another name");
    if (jobCredentials.has(name)) return problem(neverGiven);
    return secret.has(name) ? problem(`holds a secret of this file, and ${neverGiven}`) : [];
  });
}

const neverGiven = "never gets into a Compose file: what a service needs goes into the environment's dotenv";

/** The variables that secrets of the configuration come from. */
function secretVariables(value: unknown, variables: Variables): Set<string> {
  return new Set(
    placesOfSecrets(value).flatMap((path) => {
      const { env } = asMapping(valueAt(value, path));
      return [...variables.namesAt(path), ...(typeof env === "string" ? [env] : [])];
    }),
  );
}
