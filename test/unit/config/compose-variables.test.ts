import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { harmlessVariables, hostVariables, jobCredentials } from "../../../src/lib/config/values/compose-variables.ts";
import { createProject, minimal } from "./project.ts";

test("nothing that looks like a right is among the harmless ones", () => {
  const telling = /PASS|TOKEN|SECRET|KEY|JWT|USER|REPOSITORY_URL|CREDENTIAL/;
  expect([...harmlessVariables].filter((name) => telling.test(name) || jobCredentials.has(name) || hostVariables.has(name))).toEqual([]);
});

test.each([
  ["CI_JOB_TOKEN", "CI_JOB_TOKEN never gets into a Compose file: what a service needs goes into the environment's dotenv"],
  ["HOME", "HOME is the host's own: use a variable of another name"],
  ["DEPLOY_KEY", "DEPLOY_KEY holds a secret of this file, and never gets into a Compose file"],
  ["STAGING_KEY", "STAGING_KEY holds a secret of this file, and never gets into a Compose file"],
  ["A B", "expected the name of a variable"],
])("compose_variables: [%s] is refused", async (name, told) => {
  const keys = `user: deploy, private_key: { env: STAGING_KEY }`;
  await using project = await createProject(
    `${minimal.replace("user: deploy", keys)}build: { ssh_key: "\${DEPLOY_KEY}" }\ncompose_variables: [OTHER, "${name}"]\n`,
  );
  expect(await project.problems({ needs: [] })).toEqual([expect.stringContaining(`coldtivate.yml:8:28  compose_variables[1]: ${told}`)]);
});

test("the reference has every variable of the list, and every one that never counts", async () => {
  const reference = await readFile("docs/configuration.md", "utf8");
  const missing = [...harmlessVariables, ...jobCredentials, ...hostVariables].filter((name) => !reference.includes(`\`${name}\``));
  expect(missing).toEqual([]);
});
