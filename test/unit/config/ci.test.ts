import { expect, test } from "vitest";
import { readCi } from "../../../src/lib/config/values/ci.ts";

test("a GitLab job's variables are read, empty ones count as absent", () => {
  expect(
    readCi({
      GITLAB_CI: "true",
      CI_COMMIT_TAG: "v1",
      CI_COMMIT_BRANCH: "",
      CI_COMMIT_SHA: "abc",
      CI_COMMIT_REF_NAME: "v1",
      CI_COMMIT_REF_SLUG: "v1",
      GITLAB_USER_LOGIN: "me",
      CI_JOB_URL: "https://x",
    }),
  ).toEqual({
    gitlab: true,
    tag: "v1",
    sha: "abc",
    refName: "v1",
    refSlug: "v1",
    userLogin: "me",
    jobUrl: "https://x",
  });
  expect(readCi({})).toEqual({ gitlab: false });
});
