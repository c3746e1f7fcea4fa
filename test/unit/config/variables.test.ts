import { expect, test } from "vitest";
import { createProject } from "./project.ts";

const config = `project: shop
registry: { image: "\${REGISTRY}", username: "\${USER_NAME}", password: "\${PASSWORD}" }
build: { ssh_key: "\${BUILD_KEY}", args: { A: "\${ARGUMENT}" }, secrets: { npm: "\${NPM}" } }
images:
  web: { context: ./Web, target: "\${TARGET}" }
tasks:
  - { name: migrate, service: web, run: [migrate, "\${DEPTH}"], timeout: "\${TIMEOUT:-}" }
environments:
  staging:
    branches: [main]
    host: \${STAGING_HOST}
    port: \${STAGING_PORT}
    confirm: \${STAGING_CONFIRM}
    user: \${STAGING_USER:-}
    dotenv: \${STAGING_DOTENV}
  production: { tags: ["v*"], hosts: [{ host: "\${PRODUCTION_HOST:-}" }, b.example.com], user: "\${PRODUCTION_USER}", compose: ["\${FILE}"] }
`;
const names = (details: readonly string[]): string[] => details.map((line) => /the variable (\w+)/.exec(line)?.[1] ?? line);

test("a command asks for the variables of the parts that it works with, and of no others", async () => {
  await using project = await createProject(config);
  expect(names(await project.problems())).toEqual(["REGISTRY"]);
  expect(names(await project.problems({ needs: ["build"] }))).toEqual(["REGISTRY", "BUILD_KEY", "ARGUMENT", "NPM", "TARGET"]);
  const env = { REGISTRY: "r.example.com/a", DEPTH: "1", STAGING_USER: "deploy" };
  const needed = ["STAGING_HOST", "STAGING_PORT", "STAGING_CONFIRM"];
  expect(names(await project.problems({ env, environment: "staging", needs: ["hosts"] }))).toEqual(needed);
  expect(names(await project.problems({ env, environment: "staging" }))).toEqual([...needed, "STAGING_DOTENV"]);
});

test("what nobody asked for is left out, and secrets of other parts are not read", async () => {
  await using project = await createProject(config);
  const { build, environments, tasks } = await project.load({ env: { REGISTRY: "r.example.com/a", STAGING_DOTENV: "/no/such/file" } });
  expect(build).toMatchObject({ secrets: {} });
  expect(build.sshKey).toBeUndefined();
  expect(environments["staging"]).toMatchObject({ confirm: false, hosts: [] });
  expect(environments["production"]?.hosts).toEqual([{ host: "b.example.com", user: "${PRODUCTION_USER}" }]);
  expect(environments["production"]).not.toHaveProperty("dotenv");
  expect(tasks[0]?.timeout).toBe(600_000);
});

test("values of other parts are filled in where that is possible", async () => {
  await using project = await createProject(config);
  const { environments, images } = await project.load({
    env: { REGISTRY: "r.example.com/a", TARGET: "final", STAGING_HOST: "a.example.com", STAGING_PORT: "2222", STAGING_CONFIRM: "true" },
  });
  expect(images["web"]?.target).toBe("final");
  expect(environments["staging"]).toMatchObject({ confirm: true, hosts: [{ host: "a.example.com", port: 2222 }] });
});

test("a reference that cannot be understood is a mistake in any part", async () => {
  await using project = await createProject(config.replace("b.example.com", "$HOST"));
  expect(await project.problems({ env: { REGISTRY: "r.example.com/a" } })).toEqual([
    expect.stringContaining("environments.production.hosts[1]: write ${HOST} for the variable, or $$HOST for the text"),
  ]);
});
