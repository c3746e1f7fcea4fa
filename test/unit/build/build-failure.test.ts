import { expect, test } from "vitest";
import { describeBuildFailure } from "../../../src/lib/builds/run/build-failure.ts";
import type { ImageResult, StepFailure } from "../../../src/lib/builds/run/image-progress.ts";
import { planOf } from "./plan.ts";

const plan = (...names: string[]) => planOf(names, "load", { dockerfile: "../docker/Dockerfile" });
const failing = (name: string, failure: Partial<StepFailure>): ImageResult => ({
  name,
  milliseconds: 1,
  steps: 1,
  cachedSteps: 0,
  failure: { step: "2/2 RUN false", error: "exit code: 1", lastLines: [], ...failure },
});
const texts = new Map([["docker/Dockerfile", "FROM debian AS base\nRUN true\n\nFROM base\nRUN make \\\n  all\nENV A=b\nRUN false\n"]]);
const how = { exitCode: 1, said: ["Dockerfile:99", "ERROR: failed to solve"], cause: undefined };

test("a failed image is named with the line of its Dockerfile, and the step's last lines", () => {
  const records = [
    failing("web", { place: { stage: "stage-1", number: 2, total: 2, text: "RUN false" }, lastLines: ["cannot", "do that"] }),
  ];
  const { message, details } = describeBuildFailure(plan("web"), records, how, texts);
  expect(message).toBe("web: the build failed at: 2/2 RUN false");
  expect(details).toEqual(["docker/Dockerfile:8", "cannot", "do that", "exit code: 1"]);
});

test("several that failed are told apart, and a step that they share is shown once", () => {
  const shared = { place: { stage: "stage-1", number: 1, total: 2, text: "RUN make all" }, step: "1/2 RUN make", lastLines: ["no rule"] };
  const records = [
    failing("web", shared),
    failing("api", { ...shared, sameAs: "web" }),
    failing("jobs", { place: { stage: "base", number: 2, total: 2, text: "RUN true" }, lastLines: ["other"] }),
  ];
  const { message, details } = describeBuildFailure(plan("web", "api", "jobs"), records, how, texts);
  expect(message).toBe("web, api, jobs: the build failed");
  const ofWeb = ["web: 1/2 RUN make", "docker/Dockerfile:5", "no rule", "exit code: 1"];
  const ofApi = ["api: 1/2 RUN make", "docker/Dockerfile:5", "exit code: 1"];
  const ofJobs = ["jobs: 2/2 RUN false", "docker/Dockerfile:2", "other", "exit code: 1"];
  expect(details).toEqual([...ofWeb, ...ofApi, ...ofJobs]);
});

test.each([
  ["tls: failed to verify certificate: x509: certificate signed by unknown authority", /authority/],
  ["http: server gave HTTP response to HTTPS client", /insecure-registries/],
  ["403 Forbidden", /permissions/],
])("a push that fails with %j says what to do", (error, hint) => {
  const push = { ...plan("web"), output: "push" as const };
  const failure = describeBuildFailure(push, [failing("web", { step: "pushing main", error })], how, texts);
  expect(failure).toMatchObject({ code: "PUSH_FAILED", hint: expect.stringMatching(hint) });
});

test("what is no instruction of the Dockerfile has the line that buildx names", () => {
  const { details } = describeBuildFailure(plan("web"), [failing("web", { step: "load metadata" })], how, new Map());
  expect(details[0]).toBe("docker/Dockerfile:99");
});
