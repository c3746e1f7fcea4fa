import { expect, test } from "vitest";
import { composeVariables } from "../../../src/lib/deploy/prepare/commit/variables.ts";

const facts = {
  environment: "production",
  registry: { host: "registry.example", image: "registry.example/shop" },
  commit: "0123456789abcdef0123456789abcdef01234567",
  ref: "v1.2.0",
  isTag: true,
  hasDotenv: true,
  allowed: [],
  env: { CI_PIPELINE_ID: "7", CI_ENVIRONMENT_NAME: "production", CI_COMMIT_SHA: "stale", HOME: "/home/me", USER: "me" },
};

test("Compose files see the release's variables and GitLab's harmless ones, nothing else of the shell", () => {
  expect(composeVariables(facts)).toEqual({
    CI_PIPELINE_ID: "7",
    CI_ENVIRONMENT_NAME: "production",
    ENVIRONMENT: "production",
    CI_REGISTRY: "registry.example",
    CI_REGISTRY_IMAGE: "registry.example/shop",
    CI_COMMIT_SHA: facts.commit,
    CI_COMMIT_SHORT_SHA: "01234567",
    CI_COMMIT_REF_NAME: "v1.2.0",
    CI_COMMIT_REF_SLUG: "v1-2-0",
    CI_COMMIT_TAG: "v1.2.0",
    DOT_ENV_PATH: "../dotenv",
  });
});

test("a branch is no tag, and without a dotenv its path is left to the Compose file's default", () => {
  const variables = composeVariables({ ...facts, ref: "main", isTag: false, hasDotenv: false });
  expect(variables).toMatchObject({ CI_COMMIT_REF_SLUG: "main" });
  expect(variables).not.toHaveProperty("CI_COMMIT_TAG");
  expect(variables).not.toHaveProperty("DOT_ENV_PATH");
});

test("what gives rights is no part of a release, nor is anything that nobody listed", () => {
  const credentials = [
    "CI_JOB_TOKEN",
    "CI_REGISTRY_PASSWORD",
    "CI_DEPLOY_PASSWORD",
    "CI_REPOSITORY_URL",
    "CI_JOB_JWT_V2",
    "CI_ANYTHING_NEW",
  ];
  const env = Object.fromEntries(credentials.map((name) => [name, "secret"]));
  expect(Object.values(composeVariables({ ...facts, env }))).not.toContain("secret");
});

test("what the configuration names is, if it is set; the release's own variables stay its own", () => {
  const allowed = ["USER", "CI_COMMIT_SHA", "CI_COMMIT_BRANCH", "NOT_SET", "toString"];
  const variables = composeVariables({ ...facts, allowed, env: { ...facts.env, CI_COMMIT_BRANCH: "main" } });
  expect(variables).toMatchObject({ USER: "me", CI_COMMIT_SHA: facts.commit, CI_COMMIT_BRANCH: "main" });
  expect(Object.keys(variables)).not.toContain("NOT_SET");
  expect(Object.keys(variables)).not.toContain("toString");
});
