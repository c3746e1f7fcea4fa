import { asList, asMapping, valueAt } from "../../common/plain.ts";
import type { Problem } from "../../common/problem.ts";
import { placesOfSecrets } from "./secrets.ts";
import type { Variables } from "./variables.ts";

/**
 * GitLab's predefined variables that say what is deployed, where and by which job, and that grant no rights (GitLab's reference
 * of predefined variables). Variables of the commit are not among them. They come from the release, whose commit may differ from
 * the job's.
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

/**
 * Variables that grant the rights of the job to anyone who has them. No Compose file gets them, whatever the configuration says.
 */
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

/** Variables that Compose always takes from the host: `docker` itself needs them there. */
export const hostVariables: ReadonlySet<string> = new Set(["HOME", "PATH"]);

/** Reports names under `compose_variables` that Compose files never get. */
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

/** The variables from which the configuration takes secrets. */
function secretVariables(value: unknown, variables: Variables): Set<string> {
  return new Set(
    placesOfSecrets(value).flatMap((path) => {
      const { env } = asMapping(valueAt(value, path));
      return [...variables.namesAt(path), ...(typeof env === "string" ? [env] : [])];
    }),
  );
}
