import { expect, test } from "vitest";
import { composeVariables } from "../../../src/lib/deploy/variables.ts";

const facts = {
  environment: "production",
  registry: { host: "registry.example", image: "registry.example/shop" },
  commit: "0123456789abcdef0123456789abcdef01234567",
  ref: "v1.2.0",
  isTag: true,
  hasDotenv: true,
  env: { CI_PIPELINE_ID: "7", CI_COMMIT_SHA: "stale", HOME: "/home/me", USER: "me" },
};

test("Compose files see the release's variables and GitLab's, nothing else of the shell", () => {
  expect(composeVariables(facts)).toEqual({
    CI_PIPELINE_ID: "7",
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
