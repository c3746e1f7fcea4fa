import { expect, test } from "vitest";
import type { ImageConfig } from "../../../src/lib/config/schema/config.ts";
import { describeUncommitted } from "../../../src/lib/deploy/prepare/commit/uncommitted.ts";

const web: ImageConfig = { name: "web", context: "Web", dockerfile: "../web.dockerfile", args: {}, secrets: {} };
const inputs = { commit: "c0ffee", composeFiles: ["docker-compose.yml"], images: [web] };

function repository(dirty: string[], head = "c0ffee") {
  const asked: string[] = [];
  return {
    asked,
    checkedOut: { commit: head },
    dirtyPaths: (paths: readonly string[]) => {
      asked.push(...paths);
      return Promise.resolve(dirty);
    },
  };
}

test("asks about Compose files, contexts and Dockerfiles, and names what was changed", async () => {
  const facts = repository(["Web/app.py", "docker-compose.yml"]);
  expect(await describeUncommitted(inputs, facts)).toEqual([
    "uncommitted changes are not part of the release: Web/app.py, docker-compose.yml",
  ]);
  expect(facts.asked).toEqual(["docker-compose.yml", "Web", "web.dockerfile", "web.dockerfile.dockerignore"]);
});

test("has nothing to say about a clean tree, nor about a commit that is not checked out", async () => {
  expect(await describeUncommitted(inputs, repository([]))).toEqual([]);
  expect(await describeUncommitted(inputs, repository(["Web/app.py"], "another"))).toEqual([]);
});

test("names ten and counts the rest", async () => {
  const dirty = Array.from({ length: 13 }, (_, index) => `Web/${index}`);
  expect(await describeUncommitted(inputs, repository(dirty))).toEqual([expect.stringMatching(/Web\/9 and 3 more$/)]);
});
