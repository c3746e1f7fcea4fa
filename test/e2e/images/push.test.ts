import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { commitAll, makeFolder } from "../support/clones.ts";
import { makeSmallProject } from "../support/projects/small-project.ts";
import { expectRefusal } from "../support/refusal.ts";
import { besideRefusingRegistry, standInPort } from "../support/registry/stand-in.ts";
import { coldtivate, must, sandbox } from "../support/run.ts";

let cwd: string;

beforeAll(async () => {
  cwd = await makeSmallProject();
});

/** A commit that no build has seen: the tags of its images exist nowhere. */
async function commitNews(): Promise<{ tag: string; reference: string }> {
  await writeFile(join(cwd, "web", "news"), await must("bash", ["-c", "head -c 30 /dev/urandom | base64"]));
  const tag = (await commitAll(cwd, "news")).slice(0, 8);
  return { tag, reference: `${sandbox()["CI_REGISTRY"]}/test/small/web:${tag}` };
}

async function build(): Promise<void> {
  const { exitCode, output } = await coldtivate(["build"], { cwd });
  expect(exitCode, output).toBe(0);
}

/** Tags of the project's image in the registry. */
async function tags(): Promise<string[]> {
  const { CI_REGISTRY, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD } = sandbox();
  const authorization = `Basic ${Buffer.from(`${CI_REGISTRY_USER}:${CI_REGISTRY_PASSWORD}`).toString("base64")}`;
  const response = await fetch(`http://${CI_REGISTRY}/v2/test/small/web/tags/list`, { headers: { authorization } });
  return response.ok ? ((await response.json()) as { tags: string[] }).tags : [];
}

describe("push", () => {
  test("takes what was built to the registry, and has nothing to do the second time", async () => {
    const { tag, reference } = await commitNews();
    await build();
    expect(await tags()).not.toContain(tag);
    const first = await coldtivate(["push"], { cwd });
    expect(first, first.output).toMatchObject({ exitCode: 0 });
    expect(first.stdout).toContain("web");
    expect(await tags()).toEqual(expect.arrayContaining([tag, "main"]));

    const json = await coldtivate(["push", "web", "--json"], { cwd });
    expect(json).toMatchObject({ exitCode: 0, stderr: "" });
    expect(JSON.parse(json.stdout)).toMatchObject({ images: [], present: ["web"] });
    const again = await coldtivate(["push"], { cwd });
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.stdout).toMatch(/already/);
    await must("docker", ["image", "rm", reference], { env: sandbox() });
    expect(await coldtivate(["push"], { cwd })).toMatchObject({ exitCode: 0 });
  });

  test("without a build says what to run", async () => {
    const { reference } = await commitNews();
    const before = await tags();
    await expectRefusal(["push"], { cwd }, { exitCode: 3, says: [reference, "coldtivate build", "Nothing was changed"] });
    expect(await tags()).toEqual(before);
  });

  test("with uncommitted files names them", async () => {
    await commitNews();
    await build();
    const before = await tags();
    await writeFile(join(cwd, "web", "unfinished"), "");
    await expectRefusal(["push"], { cwd }, { exitCode: 3, says: ["web/unfinished", "cannot be pushed", "Nothing was changed"] });
    await must("git", ["clean", "--quiet", "--force"], { cwd });
    expect(await tags()).toEqual(before);
  });

  test("without an engine says which one it asked", async () => {
    await expectRefusal(
      ["push"],
      { cwd, env: { DOCKER_HOST: "unix:///tmp/no-such-docker.sock" } },
      { exitCode: 3, says: ["the Docker engine does not answer", "/tmp/no-such-docker.sock", "DOCKER_HOST"] },
    );
  });
});

describe("what was built", () => {
  /** The image's tag for a commit, moved by somebody's own docker. */
  async function move(reference: string): Promise<void> {
    const dockerfile = "FROM scratch\nLABEL by=hand\n";
    await must("docker", ["buildx", "build", "--quiet", "--tag", reference, "-"], { env: sandbox(), input: dockerfile, stdin: "pipe" });
    await must("docker", ["push", "--quiet", reference], { env: await loggedIn() });
  }

  async function loggedIn(): Promise<Record<string, string>> {
    const { CI_REGISTRY = "", CI_REGISTRY_USER: user, CI_REGISTRY_PASSWORD: password } = sandbox();
    const auth = Buffer.from(`${user}:${password}`).toString("base64");
    const folder = await makeFolder();
    await writeFile(join(folder, "config.json"), JSON.stringify({ auths: { [CI_REGISTRY]: { auth } } }));
    return { ...sandbox(), DOCKER_CONFIG: folder };
  }

  test.each([
    ["build --push", ["build", "--push"]],
    ["push", ["push"]],
  ])("by %s is what a deploy takes, and nothing else", async (_name, command) => {
    const { tag, reference } = await commitNews();
    await build();
    expect(await coldtivate(command, { cwd })).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining("no record") });
    const commit = await must("git", ["rev-parse", "HEAD"], { cwd });
    expect(await tags()).toContain(`built-${commit}`);
    const dry = await coldtivate(["deploy", "staging", "--dry-run"], { cwd });
    expect(dry, dry.output).toMatchObject({ exitCode: 0, output: expect.not.stringContaining("no record") });

    await move(reference);
    const says = [`what the registry has for commit ${tag} is not what was built`, reference, "coldtivate build --push"];
    await expectRefusal(["deploy", "staging", "--dry-run"], { cwd }, { exitCode: 3, says });
  });
});

describe("the registry", () => {
  const elsewhere = { CI_REGISTRY: `127.0.0.1:${standInPort}`, CI_REGISTRY_IMAGE: `127.0.0.1:${standInPort}/group/backend` };
  const repository = `127.0.0.1:${standInPort}/test/small/web`;

  /** Builds the image, and gives it the names that it would have there. */
  async function buildElsewhere(): Promise<void> {
    const { tag, reference } = await commitNews();
    await build();
    for (const name of [tag, "main"]) await must("docker", ["tag", reference, `${repository}:${name}`], { env: sandbox() });
  }

  test("does not take the credentials", async () => {
    await commitNews();
    await build();
    const before = await tags();
    const { output } = await expectRefusal(
      ["push"],
      { cwd, env: { CI_REGISTRY_PASSWORD: "not-the-password" } },
      { exitCode: 3, says: [`the registry ${sandbox()["CI_REGISTRY"]} refuses the credentials of "sandbox"`, "CI_REGISTRY_PASSWORD"] },
    );
    expect(output).not.toContain("not-the-password");
    expect(await tags()).toEqual(before);
  });

  test("has no such repository", async () => {
    await buildElsewhere();
    const says = [`the registry does not take ${repository}`, "the repository does not exist", "registry.image"];
    await besideRefusingRegistry(["here", "builder"], () => expectRefusal(["push"], { cwd, env: elsewhere }, { exitCode: 4, says }));
  });

  test("is down: for everybody, or for the engine alone", async () => {
    await buildElsewhere();
    const registry = `the registry 127.0.0.1:${standInPort} cannot be reached`;
    await expectRefusal(
      ["push"],
      { cwd, env: elsewhere },
      { exitCode: 3, says: [`${registry}: connect ECONNREFUSED`, "Nothing was changed"] },
    );
    const says = [`${registry} from the Docker engine`, "connection refused"];
    await besideRefusingRegistry(["here"], () => expectRefusal(["push"], { cwd, env: elsewhere }, { exitCode: 4, says }));
  });
});
