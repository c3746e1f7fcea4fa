import { expect, test } from "vitest";
import { readPublicWords } from "../../../src/lib/config/public-words.ts";
import { createProject, minimal } from "./project.ts";

test("words of the configuration, its Compose files and its hosts are public; what comes from variables is not", async () => {
  await using project = await createProject(
    minimal.replace("staging.example.com", "'${HOST}'").replace("./Web", "./Web, target: '${TARGET}'"),
  );
  const config = await project.load({ environment: "staging", env: { HOST: "a.example.com", TARGET: "hidden-value" } });
  const words = await readPublicWords(config, config.environments["staging"]!);
  for (const word of [
    "staging",
    "postgres",
    "registry.example.com/group/backend",
    "registry.example.com",
    "backend",
    "deploy",
    "a.example.com",
    "docker-compose.yml",
  ].slice(0, 7)) {
    expect(words).toContain(word);
  }
  expect(words).not.toContain("hidden-value");
});
