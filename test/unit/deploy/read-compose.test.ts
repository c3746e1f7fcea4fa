import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openCommit } from "../../../src/lib/adapters/git/git-commit.ts";
import { openRepository } from "../../../src/lib/adapters/git/git.ts";
import type { Config, EnvironmentConfig } from "../../../src/lib/config/schema/config.ts";
import { parseDotenv } from "../../../src/lib/config/values/dotenv.ts";
import { Secret } from "../../../src/lib/secrets/secret.ts";
import { readCompose } from "../../../src/lib/deploy/prepare/commit/read-compose.ts";
import { createRepository } from "../adapters/git-repository.ts";

let repository: ReturnType<typeof createRepository>;

beforeEach(() => {
  repository = createRepository();
});

afterEach(() => repository[Symbol.dispose]());

interface Wanted {
  files: Record<string, string>;
  /** Folder of coldtivate.yml. */
  folder?: string;
  dotenv?: string;
  dotenvSource?: string;
  compose?: string[];
  allowed?: string[];
  env?: Record<string, string>;
}

async function read({ files, folder = "", dotenv, dotenvSource, compose, allowed = [], env }: Wanted) {
  const commit = repository.commit(files);
  const directory = join(repository.directory, folder);
  mkdirSync(directory, { recursive: true });
  const opened = await openRepository(directory);
  using tree = await openCommit(opened.root, commit);
  const environment: EnvironmentConfig = {
    name: "staging",
    branches: ["main"],
    tags: [],
    confirm: false,
    hosts: [],
    ...(dotenv === undefined ? {} : { dotenv: new Secret(dotenv) }),
    ...(dotenvSource === undefined ? {} : { dotenvSource }),
    ...(compose === undefined ? {} : { compose }),
  };
  const registry = { image: "registry.example.com/shop", host: "registry.example.com" };
  const config = { project: "shop", directory, registry, tasks: [] as Config["tasks"], composeVariables: allowed };
  const intent = {
    // What is asked of it here.
    config: config as Config,
    environment,
    revision: { commit, ref: "main" },
    dotenv: dotenv === undefined ? new Map<string, string>() : parseDotenv(dotenv),
    env: env ?? { CI_JOB_ID: "7", HOME: "/nowhere" },
  };
  const found = await readCompose(intent, opened, tree);
  const text = (path: string) => Buffer.from(found.files.files.get(path) ?? []).toString();
  return { ...found, paths: [...found.files.files.keys()], text };
}

const service = "services: { web: { image: x } }\n";

test("files are found by their names in the commit, not in the working tree", async () => {
  const files = { "compose.yaml": service, "compose.staging.yaml": service };
  repository.commit(files);
  repository.write("compose.override.yaml", "not: committed");
  expect((await read({ files })).listed).toEqual(["compose.yaml", "compose.staging.yaml"]);
});

test("none at all is refused", async () => {
  await expect(read({ files: { "other.yml": service } })).rejects.toMatchObject({
    code: "COMPOSE_FILE_MISSING",
    details: ["none of compose.yaml, compose.yml, docker-compose.yml, docker-compose.yaml is in the repository"],
  });
});

test("where coldtivate.yml lies in a folder, paths are the repository's, and files beside that folder are found", async () => {
  const found = await read({
    folder: "deploy",
    files: {
      "deploy/compose.yaml": "include: [../shared/db.yml]\nservices: { web: { env_file: ../web/web.env } }\n",
      "shared/db.yml": service,
      "web/web.env": "A=1",
      "compose.yaml": service,
    },
  });
  expect(found.listed).toEqual(["deploy/compose.yaml"]);
  expect(found.paths).toEqual(["deploy/compose.yaml", "shared/db.yml", "web/web.env"]);
});

test("a Compose file may be a link, or lie behind one", async () => {
  mkdirSync(join(repository.directory, "real"));
  symlinkSync("real/app.yml", join(repository.directory, "compose.yaml"));
  symlinkSync("real", join(repository.directory, "current"));
  const found = await read({ files: { "real/app.yml": "include: [current/part.yml]\n", "real/part.yml": service } });
  expect(found.paths).toEqual(["compose.yaml", "current/part.yml"]);
  expect(found.text("current/part.yml")).toBe(service);
});

test("COMPOSE_FILE and COMPOSE_PROFILES count, in the dotenv or in the commit's .env; `compose` comes first", async () => {
  const files = {
    "a.yml": service,
    "b.yml": service,
    "compose.yaml": service,
    ".env": "COMPOSE_FILE=a.yml:b.yml\nCOMPOSE_PROFILES=one,two\n",
  };
  expect(await read({ files })).toMatchObject({ listed: ["a.yml", "b.yml"], profiles: ["one", "two"] });
  expect(await read({ files, dotenv: "COMPOSE_FILE=b.yml\n" })).toMatchObject({ listed: ["b.yml"], profiles: [] });
  expect((await read({ files, compose: ["compose.yaml"] })).listed).toEqual(["compose.yaml"]);
});

test("without a dotenv the commit's .env counts as for Compose; with one it does not", async () => {
  const files = {
    "compose.yaml":
      "services: { web: { image: 'x:${TAG}-${CI_JOB_ID}', env_file: '${TAG}.env' } }\n" +
      "secrets: { tag: { environment: TAG }, job: { environment: CI_JOB_ID } }\n",
    ".env": "TAG=v${N:-1}\nOTHER=x\n",
    "v1.env": "",
  };
  const plain = await read({ files });
  expect(Buffer.from(plain.defaults ?? []).toString()).toBe("TAG=v${N:-1}\nOTHER=x\n");
  expect(plain.dotenv).toBeUndefined();
  expect(plain.paths).toEqual(["compose.yaml", "v1.env"]);
  expect(plain.values).toEqual({ TAG: "v1", CI_JOB_ID: "7" });
  expect(plain.variables).toEqual({ CI_JOB_ID: "7" });
  const other = await read({ files, dotenv: "TAG=v2\n" });
  expect(other.defaults).toBeUndefined();
  expect(other.paths).toEqual(["compose.yaml"]);
});

test("the dotenv stands in for the .env that an env_file names, and for its own path", async () => {
  const files = { "compose.yaml": "services: { web: { env_file: [.env, ops/.env.staging, other/.env] } }\n", ".gitignore": ".env*\n" };
  const found = await read({ files, dotenv: "A=p$ss\n", dotenvSource: "./ops/.env.staging" });
  expect(found.paths).toEqual(["compose.yaml", ".env", "ops/.env.staging"]);
  expect(found.text(".env")).toBe("A='p$ss'\n");
  expect((await read({ files, dotenv: "A=1\n", dotenvSource: join(repository.directory, "ops/.env.staging") })).paths).toContain(
    "ops/.env.staging",
  );
  expect((await read({ files, dotenv: "A=1\n", dotenvSource: "STAGING_DOT_ENV" })).paths).toEqual(["compose.yaml", ".env"]);
});

test("what cannot be read as a checkout would have it is refused by name", async () => {
  symlinkSync("../elsewhere.yml", join(repository.directory, "compose.yaml"));
  await expect(read({ files: { README: "" } })).rejects.toMatchObject({
    code: "SOURCE_UNREADABLE",
    exit: "refused",
    details: [expect.stringContaining("compose.yaml is a link to ../elsewhere.yml, outside of the repository")],
  });
});

test("a Compose file that is larger than anybody writes is refused, and not read into memory", async () => {
  const files = { "compose.yaml": `${service}# ${"x".repeat(3_000_000)}\n` };
  await expect(read({ files })).rejects.toMatchObject({
    code: "SOURCE_UNREADABLE",
    details: [expect.stringContaining("compose.yaml is larger than 1 MiB")],
  });
});

describe("variables of whoever deploys", () => {
  const env = { CI_JOB_TOKEN: "secret", CI_REGISTRY_PASSWORD: "secret", CI_RUNNER_TAGS: "linux", HOME: "/root", PATH: "/bin", STAGE: "a" };
  const image = (text: string) => ({ "compose.yaml": `services: { web: { image: "x:${text}" } }\n` });

  test.each([
    ["${CI_JOB_TOKEN}", "CI_JOB_TOKEN (compose.yaml): a credential of the job, which no container gets"],
    ["${CI_REGISTRY_PASSWORD:-none}", "CI_REGISTRY_PASSWORD (compose.yaml): a credential of the job"],
    [
      "${CI_RUNNER_TAGS}",
      "CI_RUNNER_TAGS (compose.yaml): it is set here, and not among those that Compose files get; `compose_variables: [CI_RUNNER_TAGS]`",
    ],
    ["$HOME", "HOME (compose.yaml): it is the host's own"],
    ["${A:-${PATH}}", "PATH (compose.yaml): it is the host's own"],
  ])("%s is refused by name, with what to do", async (text, told) => {
    const refused = read({ files: image(text), env });
    await expect(refused).rejects.toMatchObject({
      code: "COMPOSE_VARIABLE_REFUSED",
      exit: "usage",
      details: [expect.stringContaining(told)],
    });
  });

  test("what an env file refers to counts, a comment, a key and what is in single quotes do not", async () => {
    const files = {
      "compose.yaml":
        "# ${CI_JOB_TOKEN}\nservices: { web: { image: x, env_file: a.env, command: 'echo $${CI_JOB_TOKEN}', labels: { $HOME: 1 } } }\n",
      "a.env": "# $CI_JOB_TOKEN\nA='$CI_JOB_TOKEN'\n",
    };
    expect((await read({ files, env })).notes).toEqual([]);
    const quoted = { ...files, "a.env": 'A="x\n${CI_JOB_TOKEN}"\n', ".env": "B=${CI_REGISTRY_PASSWORD}\n" };
    await expect(read({ files: quoted, env })).rejects.toMatchObject({
      details: [expect.stringContaining("CI_JOB_TOKEN (a.env)"), expect.stringContaining("CI_REGISTRY_PASSWORD (.env)")],
    });
  });

  test("compose_variables lets one in, and the dotenv may have one of that name", async () => {
    expect((await read({ files: image("${CI_RUNNER_TAGS}"), env, allowed: ["CI_RUNNER_TAGS"] })).variables).toEqual({
      CI_RUNNER_TAGS: "linux",
    });
    expect((await read({ files: image("${CI_RUNNER_TAGS}"), env, dotenv: "CI_RUNNER_TAGS=own\n" })).variables).toEqual({});
  });

  test("another one that is set here is noted, with how to let it in", async () => {
    expect((await read({ files: image("${STAGE:-b}"), env })).notes).toEqual([
      "STAGE (compose.yaml) is set here, and Compose files do not get it; `compose_variables: [STAGE]` in coldtivate.yml gives it to them",
    ]);
    expect((await read({ files: image("${UNSET}${toString}"), env })).notes).toEqual([]);
  });
});
