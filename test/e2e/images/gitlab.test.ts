import { randomUUID } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { checkOut, commitAll, makeFolder } from "../support/clones.ts";
import { ask, productionHost, stagingHost } from "../support/hosts.ts";
import { makeSmallProject } from "../support/projects/small-project.ts";
import { top } from "../support/repository.ts";
import { coldtivate, jobEnvironment, must, run, sandbox, type Ran } from "../support/run.ts";

const runner = join(top, "node_modules/gitlab-ci-local/dist/index.js");

/** Variables that GitLab has as files. */
const files = ["SSH_PRIVATE_KEY", "DOT_ENV"].flatMap((name) => [`STAGING_${name}`, `PRODUCTION_${name}`]);

describe("the example's pipeline", () => {
  test("builds main and deploys it to staging, with its key and dotenv as files", async () => {
    const clone = await checkOut("main");
    await writeFile(join(clone, "Base-API", "NEWS"), randomUUID());
    await commitAll(clone, "feat: news");
    await setFileVariables(clone, (content) => ({ type: "file", values: { "*": content } }));
    const { exitCode, output } = await runPipeline(clone, ["--manual", "staging"]);
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/PASS\s+build/);
    expect(output).toMatch(/PASS\s+staging/);
    expect(output).not.toContain("production");
    await expectServing(stagingHost(), clone);
    expect(output).toContain("[collapsed=true]\r\u001B[0K");
    expect(output.match(/section_end:/g)).toHaveLength(output.match(/section_start:/g)!.length);
  });

  test("builds a tag and deploys it to production, with its key and dotenv as text", async () => {
    const clone = await checkOut("v1.2.0");
    // GitLab expands a variable that is no file.
    await setFileVariables(clone, (content) => content.replaceAll("$", "$$$$"));
    const tag = ["--variable", "CI_COMMIT_TAG=v1.2.0", "--unset-variable", "CI_COMMIT_BRANCH"];
    const { exitCode, output } = await runPipeline(clone, [...tag, "--manual", "production"]);
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/PASS\s+build/);
    expect(output).toMatch(/PASS\s+production/);
    expect(output).not.toContain("staging");
    await expectServing(productionHost(), clone);
  });

  /** Gives the runner the variables that are files in GitLab. */
  async function setFileVariables(clone: string, shape: (content: string) => unknown): Promise<void> {
    const entries = await Promise.all(files.map(async (name) => [name, shape(await readFile(sandbox()[name]!, "utf8"))] as const));
    await writeFile(join(clone, ".gitlab-ci-local-variables.yml"), stringify(Object.fromEntries(entries)), { mode: 0o600 });
  }

  /** Services answer with the last commit that touched their context, a submodule's too. */
  async function expectServing(address: string, clone: string): Promise<void> {
    for (const [route, context] of Object.entries({ base_api: "Base-API", air_api: "App-Impact-Reporting" })) {
      const commit = await must("git", ["log", "-1", "--format=%H", "HEAD", "--", context], { cwd: clone });
      expect(await ask(address, `${route}/version`), route).toMatchObject({ commit });
    }
  }
});

describe.each([
  ["main", "staging", "refs/remotes/origin/main"],
  ["v1.2.0", "production", "refs/tags/v1.2.0"],
])("a job's clone of %s, one commit deep", (ref, environment, copy) => {
  let clone: string;
  let variables: Record<string, string>;
  let whole: Image[];

  beforeAll(async () => {
    const complete = await checkOut(ref);
    const commit = await must("git", ["rev-parse", "HEAD"], { cwd: complete });
    whole = await build(complete);
    const isTag = copy.startsWith("refs/tags/");
    clone = await fetchAsRunner(complete, commit, isTag ? copy : `refs/heads/${ref}:${copy}`);
    variables = {
      CI: "true",
      GITLAB_CI: "true",
      CI_COMMIT_SHA: commit,
      CI_COMMIT_SHORT_SHA: commit.slice(0, 8),
      CI_COMMIT_REF_NAME: ref,
      CI_COMMIT_REF_SLUG: ref.replaceAll(".", "-"),
      [isTag ? "CI_COMMIT_TAG" : "CI_COMMIT_BRANCH"]: ref,
    };
  });

  test("builds the very images that a whole clone does", async () => {
    expect(await build(clone, variables)).toEqual(whole);
  });

  test("is enough to deploy from", async () => {
    // What others have released there since is not to matter.
    const args = ["deploy", environment, "--dry-run", "--allow-older"];
    const { exitCode, stdout, output } = await coldtivate(args, { cwd: clone, env: variables });
    expect(exitCode, output).toBe(0);
    expect(stdout).toContain(`commit ${variables["CI_COMMIT_SHORT_SHA"]} (${ref})`);
  });
});

describe("a job an image", () => {
  const pipeline = {
    stages: ["build", "deploy"],
    build: { stage: "build", parallel: { matrix: [{ IMAGE: ["web", "clock"] }] }, script: ['coldtivate build --push "$IMAGE"'] },
    plan: { stage: "deploy", script: ["coldtivate deploy staging --dry-run"] },
  };

  test("builds side by side, and all of it can be deployed", async () => {
    const clone = await makeSmallProject();
    const config = join(clone, "coldtivate.yml");
    await writeFile(config, (await readFile(config, "utf8")).replace("images:\n", "images:\n  clock: { context: ./web }\n"));
    await writeFile(join(clone, "web", "NEWS"), randomUUID());
    await writeFile(join(clone, ".gitlab-ci.yml"), stringify(pipeline));
    await writeFile(join(clone, ".gitignore"), ".gitlab-ci-local\n");
    await commitAll(clone, "feat: a job an image");
    await must("git", ["remote", "add", "origin", "git@gitlab.example.com:group/small.git"], { cwd: clone });
    const variables = ["STAGING_SSH_PRIVATE_KEY", "STAGING_DOT_ENV"].map((name) => `${name}=${sandbox()[name]}`);
    const { exitCode, output } = await runPipeline(
      clone,
      variables.flatMap((variable) => ["--variable", variable]),
    );
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/PASS\s+build: \[clock\]/);
    expect(output).toMatch(/PASS\s+build: \[web\]/);
    expect(output).toMatch(/PASS\s+plan/);
    expect(output).not.toContain("no record");
  });
});

async function runPipeline(clone: string, args: readonly string[]): Promise<Ran> {
  const home = await makeFolder();
  await mkdir(join(home, "tmp"));
  const unset = Object.fromEntries(files.map((name) => [name, undefined]));
  const { CI_REGISTRY, CI_REGISTRY_IMAGE } = sandbox();
  const variables = Object.entries({ CI_REGISTRY, CI_REGISTRY_IMAGE, DOCKER_SERVICE: "" });
  return run(
    process.execPath,
    [runner, "--force-shell-executor", ...variables.flatMap(([name, value]) => ["--variable", `${name}=${value}`]), ...args],
    { cwd: clone, env: jobEnvironment({ ...unset, HOME: home, TMPDIR: join(home, "tmp") }), extendEnv: false },
  );
}

interface Image {
  name: string;
  digest: string;
  commit: string;
}

async function build(clone: string, env: Record<string, string> = {}): Promise<Image[]> {
  const { exitCode, stdout, stderr } = await coldtivate(["build", "--push", "--json"], { cwd: clone, env });
  expect(exitCode, stderr).toBe(0);
  const { images } = JSON.parse(stdout) as { images: Image[] };
  return images.map(({ name, digest, commit }) => ({ name, digest, commit }));
}

/** A clone as GitLab's runner makes it: one commit, no branch of its own, HEAD detached. */
async function fetchAsRunner(complete: string, commit: string, reference: string): Promise<string> {
  const url = await must("git", ["remote", "get-url", "origin"], { cwd: complete });
  const clone = await makeFolder();
  const git = (...args: string[]) => must("git", args, { cwd: clone });
  await git("init", "--quiet");
  await git("remote", "add", "origin", url);
  const copied = reference.includes(":") ? reference : `${reference}:${reference}`;
  await git("fetch", "--quiet", "--no-tags", "--depth", "1", "origin", `+${commit}:refs/pipelines/1`, `+${copied}`);
  await git("checkout", "--quiet", "--force", "--detach", commit);
  return clone;
}
