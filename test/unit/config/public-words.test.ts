import { expect, test } from "vitest";
import { readPublicWords } from "../../../src/lib/config/values/public-words.ts";
import { createProject, minimal } from "./project.ts";

test("words of the configuration, its Compose files and its hosts are public; what comes from variables is not", async () => {
  await using project = await createProject(
    minimal.replace("staging.example.com", "'${HOST}'").replace("./Web", "./Web, target: '${TARGET}'"),
  );
  const config = await project.load({ environment: "staging", env: { HOST: "a.example.com", TARGET: "hidden-value" } });
  await project.write("docker-compose.staging.yml", "services: { db: { image: '${MIRROR}/postgres:${POSTGRES_VERSION:-15}' } }\n");
  const { values, names } = await readPublicWords(config, config.environments["staging"]!);
  const expected = [
    "staging",
    "postgres",
    "registry.example.com/group/backend",
    "registry.example.com",
    "backend",
    "deploy",
    "a.example.com",
  ];
  expect(expected.filter((word) => !values.has(word))).toEqual([]);
  expect(values.has("hidden-value")).toBe(false);
  expect([...names]).toEqual(["MIRROR", "POSTGRES_VERSION"]);
});
