import { mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createProject, failure, minimal, registry, type Project } from "./project.ts";

test("all mistakes are reported at once, in the file's order, each at its place", async () => {
  await using project = await createProject(`project: shop
${registry}
images:
  web: { context: ./Web, dokerfile: Dockerfile }
  worker: { context: ./Wrker, dockerfile: Dockerfile.worker }
services:
  wbe: { port: eighty }
services:
  web: {}
tasks:
  - { name: migrate, service: wob, run: manage }
environments:
  staging:
    branches: [main]
    host: \${STAGING_HOST}
    user: 12
    compose: [docker-compose.yml, docker-compose.stagin.yml]
  production: { tags: [v1], host: b.example.com, hosts: [c.example.com], user: deploy }
`);
  const error = await failure(() => project.load({ environment: "staging" }));
  expect(error).toMatchObject({ code: "CONFIG_INVALID", exit: "usage" });
  expect(error.details).toMatchInlineSnapshot(`
    [
      "coldtivate.yml:4:26  images.web.dokerfile: unknown key (did you mean "dockerfile"?)",
      "coldtivate.yml:5:22  images.worker.context: there is no folder ./Wrker",
      "coldtivate.yml:7:3  services.wbe: no Compose file has a service wbe (did you mean "web"?)",
      "coldtivate.yml:7:16  services.wbe.port: expected a port, from 1 to 65535, got text",
      "coldtivate.yml:8:1  services: this key is there already: each may appear once",
      "coldtivate.yml:11:31  tasks[0].service: no Compose file has a service wob (did you mean "web"?)",
      "coldtivate.yml:11:41  tasks[0].run: expected a list, got text",
      "coldtivate.yml:15:11  environments.staging.host: the variable STAGING_HOST is not set",
      "coldtivate.yml:16:11  environments.staging.user: expected text, got 12",
      "coldtivate.yml:17:35  environments.staging.compose[1]: there is no file docker-compose.stagin.yml",
      "coldtivate.yml:18:50  environments.production.hosts: host and hosts exclude each other",
    ]
  `);
});

test("a syntax error is reported with its place, and a variable within braces with its remedy", async () => {
  await using project = await createProject("project: shop\nimages: { web: { context: ${CONTEXT} } }\n");
  expect((await project.problems()).join("\n")).toMatch(/^coldtivate\.yml:2:\d+ {2}.*within \{ \} and \[ \] a variable needs quotes/);
  await project.write("coldtivate.yml", "project: shop\n  images: x\n\tfoo: [\n");
  expect((await project.problems()).length).toBeGreaterThan(0);
});

test("a second document is not passed over", async () => {
  await using project = await createProject(`${minimal}---\nproject: other\n`);
  expect(await project.problems()).toEqual(["coldtivate.yml:7:1  a second document begins here: everything belongs in one"]);
});

test("an empty file lacks what is needed", async () => {
  await using project = await createProject("");
  expect(await project.problems({ env: { CI_REGISTRY_IMAGE: "r.example.com/a" } })).toEqual([
    "coldtivate.yml:1:1  project: is missing",
    "coldtivate.yml:1:1  images: is missing",
    "coldtivate.yml:1:1  environments: is missing",
  ]);
  await project.write("coldtivate.yml", "- a\n- b\n");
  expect(await project.problems()).toContain("coldtivate.yml:1:1  expected a mapping, got a list");
});

test.each([
  ["project: Shop", "project: a name has lower-case letters"],
  ["project: my.shop", "project: a name has lower-case letters"],
  ["registry: { image: https://r.example.com/a }", "registry.image: expected a registry and a path"],
  ["registry: { image: r.example.com/A }", "registry.image: expected a registry and a path"],
  ["registry: { image: r.example.com/a:latest }", "registry.image: expected a registry and a path"],
  ["registry: { image: r.example.com/a, username: a, password: { program: [x] } }", "registry.password: expected text, or one of {command"],
  [
    "registry: { image: r.example.com/a, username: a, password: { comand: [echo, x] } }",
    'registry.password.comand: unknown key (did you mean "command"?)',
  ],
  ["build: { cache: [a] }", "build.cache: expected a tag, such as buildcache, got a list"],
  ["build: { submodules: yes }", "build.submodules: expected true or false"],
  ["build: { platforms: [amd64] }", "build.platforms[0]: expected a platform such as linux/amd64"],
  ["services: { web: { drain: 60 } }", "services.web.drain: expected a duration such as 500ms, 60s, 10m, 1h or 7d, got 60"],
  ["services: { web: { port: 70000 } }", "services.web.port: expected a port, from 1 to 65535"],
  ["services: { web: { rollout: blue } }", "services.web.rollout: expected blue-green, recreate, hold"],
  ["services: { web: }", "services.web: expected a mapping, got nothing"],
  ["tasks: [{ name: a, service: web, run: [] }]", "tasks[0].run: must not be empty"],
  ["tasks: [{ name: a, service: web }]", "tasks[0].run: is missing"],
  [
    "tasks: [{ name: a, service: web, run: [x] }, { name: a, service: web, run: [x] }]",
    "tasks[1].name: another task has this name already",
  ],
  ["tasks: { name: a }", "tasks: expected a list, got a mapping"],
  ["hooks: { before_deploi: [true] }", 'hooks.before_deploi: unknown key (did you mean "before_deploy"?)'],
  ["hooks: { before_deploy: { run: a } }", "hooks.before_deploy: expected a path, or a list of a program and its arguments"],
  ["hooks: { before_deploy: ops/none.sh }", "hooks.before_deploy: there is no file ops/none.sh"],
  ["hooks: { on_failure: Web/Dockerfile }", "hooks.on_failure: Web/Dockerfile is not executable: chmod +x Web/Dockerfile"],
  ["hooks: { host: { after_deploy: ops/none.sh } }", "hooks.host.after_deploy: there is no file ops/none.sh"],
  ["webhook: chat.example.com/services", "webhook: expected an address that begins with https://"],
  ["webhook: http://chat.example.com/services", "webhook: expected an address that begins with https://"],
  ["webhook: http://127.0.0.1.example.com/services", "webhook: expected an address that begins with https://"],
])("%s", async (line, message) => {
  const key = line.slice(0, line.indexOf(":") + 1);
  const others = minimal.split("\n").filter((other) => !other.startsWith(key));
  await using project = await createProject([line, ...others].join("\n"));
  const details = await project.problems(line.startsWith("webhook") ? { environment: "staging" } : {});
  expect(details).toHaveLength(1);
  expect(details[0]).toContain(`  ${message}`);
});

test.each([
  ["{ branches: [main], user: deploy }", "needs a host (or hosts)"],
  ["{ host: a, user: deploy }", "needs branches or tags: which commits may be deployed"],
  ["{ branches: [main], host: a, jump: 'a b' }", ".jump: expected a host to go through"],
  ["{ branches: [main], host: a, jump: [] }", ".jump: must not be empty"],
  ["{ branches: [main], host: a, jump: { hots: b } }", ".jump.hots: unknown key"],
  ["{ branches: [main], host: a, ssh_config: yes }", ".ssh_config: expected trust, ignore"],
  [
    "{ branches: [main], host: deploy@a, user: deploy }",
    ".host: expected a host name or an address (the user and the port have keys of their own)",
  ],
  ["{ branches: [main], hosts: [{ host: a, usr: b }], user: b }", '.hosts[0].usr: unknown key (did you mean "user"?)'],
  ["{ branches: [main], hosts: [[a]], user: b }", ".hosts[0]: expected a host name"],
  ["{ branches: [main], host: a, user: b, fingerprint: 'MD5:aa' }", ".fingerprint: expected the SHA256:… that ssh-keygen"],
  ["{ branches: main, host: a, user: b }", ".branches: expected a list"],
])("an environment %s", async (environment, message) => {
  await using project = await createProject(minimal.replace(/staging: .*/, `staging: ${environment}`));
  expect((await project.problems()).join("\n")).toContain(message);
});

test("a Compose file that is no YAML, or that includes one that is missing, is reported where it is named", async () => {
  await using project = await createProject(minimal);
  await project.write("docker-compose.staging.yml", "services: [\n");
  expect((await project.problems())[0]).toMatch(
    /^coldtivate\.yml:6:3 {2}environments\.staging: docker-compose\.staging\.yml:\d:\d cannot be read/,
  );
  await project.write(
    "docker-compose.staging.yml",
    "include: [other/extra.yml, { path: [none.yml] }, '${X}/a.yml']\nservices: { web: { extends: { file: base.yml, service: web } } }\n",
  );
  await project.write("other/extra.yml", "services: { cron: !reset { image: x } }\n");
  expect(await project.problems()).toEqual([
    "coldtivate.yml:6:3  environments.staging: there is no file none.yml",
    "coldtivate.yml:6:3  environments.staging: there is no file base.yml",
  ]);
  await project.write("none.yml", "services: {}\n");
  await project.write("base.yml", "services: { foundation: {} }\n");
  await project.write("coldtivate.yml", `${minimal}services: { cron: {}, foundation: {} }\n`);
  expect(await project.problems()).toEqual(["coldtivate.yml:7:23  services.foundation: no Compose file has a service foundation"]);
});

test.each([12, 62, 300])("%i services may share blocks by anchors, in Compose files and in coldtivate.yml", async (count) => {
  const names = Array.from({ length: count }, (_, index) => `s${index}`);
  await using project = await createProject(
    `${minimal}services:\n  s0: &slow { healthy_within: 5m }\n${names
      .slice(1)
      .map((name) => `  ${name}: *slow\n`)
      .join("")}`,
  );
  const blocks = "x-env: &env { A: b, C: d }\nx-base: &base { image: web, environment: { <<: *env, E: f } }\n";
  const shared = names.map((name) => `  ${name}: { <<: *base, environment: { <<: *env, NAME: ${name} } }\n`).join("");
  await project.write("docker-compose.yml", `${blocks}services:\n${shared}`);
  expect(Object.keys((await project.load()).services)).toEqual(names);
});

test("a submodule that is not checked out counts as there", async () => {
  await using project = await createProject(minimal.replace("./Web", "./Sub/app"));
  await mkdir(join(project.directory, "Sub"));
  await project.write(".gitmodules", '[submodule "sub"]\n\tpath = Sub\n\turl = ../sub.git\n');
  expect((await project.load()).images["web"]?.context).toBe("Sub/app");
  await project.write("coldtivate.yml", minimal.replace("./Web", "./Sub"));
  expect((await project.load()).images["web"]?.context).toBe("Sub");
  await project.write(".gitmodules", "");
  expect(await project.problems()).toEqual(["coldtivate.yml:4:19  images.web.context: there is no file Sub/Dockerfile"]);
});

test("a context outside the project's folder is refused, one that is a link is not", async () => {
  await using project = await createProject(minimal.replace("./Web", "../elsewhere"));
  expect(await project.problems()).toEqual(["coldtivate.yml:4:19  images.web.context: ../elsewhere is outside the folder of this file"]);
  await symlink("Web", join(project.directory, "Link"));
  await project.write("coldtivate.yml", minimal.replace("./Web", "./Link"));
  expect((await project.load()).images["web"]?.context).toBe("Link");
});

test("one mistake is reported once: a key that is missing because it is misspelt or of the wrong kind is no second one", async () => {
  await using project = await createProject(`project: shop
${registry}
images:
  web: { contxt: ./Web }
environments:
  staging: { brances: [main], hots: a.example.com, user: deploy }
  production: { tags: v1, host: b.example.com, user: deploy }
`);
  const error = await failure(() => project.load());
  expect(error.details).toEqual([
    'coldtivate.yml:4:10  images.web.contxt: unknown key (did you mean "context"?)',
    'coldtivate.yml:6:14  environments.staging.brances: unknown key (did you mean "branches"?)',
    expect.stringContaining("coldtivate.yml:6:31  environments.staging.hots: unknown key"),
    "coldtivate.yml:7:23  environments.production.tags: expected a list, got text",
  ]);
});

test("a key that is misspelt hides nothing of what is below it, whichever environment is asked for", async () => {
  await using project = await createProject(`project: Shop
${registry}
image:
  web: { context: ./Wrb }
task: [{ name: migrate, service: web, run: migrate }]
environment:
  staging:
    branches: [main]
    host: \${STAGING_HOST}
    hots: a.example.com
    user: deploy
  production: { tags: [v1], host: "\${PRODUCTION_HOST}", user: 12 }
`);
  const error = await failure(() => project.load({ environment: "staging" }));
  expect(error).toMatchObject({ code: "CONFIG_INVALID", exit: "usage" });
  expect(error.details).toEqual([
    expect.stringContaining("coldtivate.yml:1:10  project: a name has lower-case letters"),
    'coldtivate.yml:3:1  image: unknown key (did you mean "images"?)',
    "coldtivate.yml:4:19  images.web.context: there is no folder ./Wrb",
    'coldtivate.yml:5:1  task: unknown key (did you mean "tasks"?)',
    "coldtivate.yml:5:44  tasks[0].run: expected a list, got text",
    'coldtivate.yml:6:1  environment: unknown key (did you mean "environments"?)',
    "coldtivate.yml:9:11  environments.staging.host: the variable STAGING_HOST is not set",
    expect.stringContaining("coldtivate.yml:10:5  environments.staging.hots: unknown key"),
    "coldtivate.yml:12:63  environments.production.user: expected text, got 12",
  ]);
});

test("a number in the place of a secret is not shown", async () => {
  await using project = await createProject(`
project: shop
registry: { image: registry.example.com/shop, username: 12345678, password: 87654321 }
build: { secrets: { NPM_TOKEN: 87654321 }, args: { VERSION: 12 } }
images: { web: { context: ., secrets: { ANY: 87654321 } } }
environments:
  staging: { branches: [main], host: h, user: u, private_key: 87654321, compose: [docker-compose.yml] }
webhook: 87654321
`);
  const problems = (await project.problems()).join("\n");
  expect(problems).not.toContain("87654321");
  for (const path of [
    "registry.password",
    "build.secrets.NPM_TOKEN",
    "images.web.secrets.ANY",
    "environments.staging.private_key",
    "webhook",
  ])
    expect(problems).toMatch(new RegExp(`${path.replaceAll(".", "\\.")}: .*got a number`));
  expect(problems).toContain("registry.username: expected text, got 12345678");
});

test("an environment that is not there is one mistake among the others, and an error of its own where it is the only one", async () => {
  await using project = await createProject(minimal.replace("project: shop", "project: Shop"));
  expect(await project.problems({ environment: "stagin" })).toEqual([
    expect.stringContaining("coldtivate.yml:1:10  project: "),
    'coldtivate.yml:5:1  environments: there is no environment stagin (did you mean "staging"?)',
  ]);
  await project.write("coldtivate.yml", minimal);
  const error = await failure(() => project.load({ environment: "stagin" }));
  expect(error).toMatchObject({ code: "UNKNOWN_ENVIRONMENT", message: 'There is no environment stagin (did you mean "staging"?).' });
});

describe("Compose files that are not named", () => {
  const remove = (project: Project, ...names: string[]) => Promise.all(names.map((name) => rm(join(project.directory, name))));
  const named = ["docker-compose.yml", "docker-compose.staging.yml", "docker-compose.production.yml"];
  const withService = (service: string) => `${minimal}services: { ${service}: {} }\n`;

  test("may be called as Compose calls them; the environment's own file is one of them", async () => {
    await using project = await createProject(withService("own"));
    await remove(project, ...named);
    await project.write("compose.yaml", "services: { web: { image: x } }\n");
    await project.write("docker-compose.staging.yml", "services: { own: { image: x } }\n");
    expect(Object.keys((await project.load()).services)).toEqual(["own"]);
    await project.write("compose.staging.yaml", "services: { other: { image: x } }\n");
    expect(await project.problems()).toEqual(["coldtivate.yml:7:13  services.own: no Compose file has a service own"]);
  });

  test("are named when there is none", async () => {
    await using project = await createProject(minimal);
    await remove(project, ...named);
    expect(await project.problems()).toEqual([
      "coldtivate.yml:6:3  environments.staging: there is no Compose file: none of compose.yaml, compose.yml, docker-compose.yml, docker-compose.yaml",
    ]);
  });

  test("may be named by COMPOSE_FILE in the dotenv", async () => {
    await using project = await createProject(withService("listed").replace("user: deploy", "user: deploy, dotenv: ./.env"));
    await remove(project, ...named);
    await project.write(".env", "COMPOSE_FILE=deploy/base.yml:deploy/more.yml\n");
    await project.write("deploy/base.yml", "services: { web: { image: x } }\n");
    expect(await project.problems({ environment: "staging" })).toContain(
      "coldtivate.yml:6:3  environments.staging: there is no file deploy/more.yml",
    );
    await project.write("deploy/more.yml", "services: { listed: { image: x } }\n");
    expect(Object.keys((await project.load({ environment: "staging" })).services)).toEqual(["listed"]);
  });
});
