import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commitAll, makeFolder } from "../support/clones.ts";
import { makeScratchProject, removeProject } from "../support/projects/scratch-project.ts";
import { expectRefusal } from "../support/refusal.ts";
import { coldtivate, sandbox, type Ran } from "../support/run.ts";

const project = "pruning";
const repository = `test/${crypto.randomUUID()}`;

let cwd: string;

beforeAll(async () => {
  cwd = await makeScratchProject(project, await makeFolder(), {
    registry: {
      image: `\${CI_REGISTRY}/${repository}`,
      username: "${CI_REGISTRY_USER}",
      password: "${CI_REGISTRY_PASSWORD}",
      insecure: true,
    },
    environments: { staging: "STAGING", live: "PRODUCTION" },
  });
});
afterAll(() => Promise.all([removeProject("staging", `${project}-staging`), removeProject("production", `${project}-live`)]));

async function must(...args: string[]): Promise<Ran> {
  const ran = await coldtivate(args, { cwd });
  expect(ran, ran.output).toMatchObject({ exitCode: 0 });
  return ran;
}

/** A commit with another content, in the registry. */
async function release(sign: string): Promise<string> {
  await writeFile(join(cwd, "app", "root", "sign.txt"), `${sign} ${Date.now()}\n`);
  const commit = await commitAll(cwd, sign);
  await must("build", "--push");
  return commit;
}

async function tags(): Promise<string[]> {
  const { CI_REGISTRY, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD } = sandbox();
  const authorization = `Basic ${Buffer.from(`${CI_REGISTRY_USER}:${CI_REGISTRY_PASSWORD}`).toString("base64")}`;
  const response = await fetch(`http://${CI_REGISTRY}/v2/${repository}/app/tags/list`, { headers: { authorization } });
  return ((await response.json()) as { tags: string[] }).tags;
}

test("what a host of any environment may go back to and what main names stays, all else goes", async () => {
  const live = await release("live");
  await must("deploy", "live");
  const first = await release("first");
  await must("deploy", "staging");
  const second = await release("second");
  await must("deploy", "staging");
  const third = await release("third");
  const fourth = await release("fourth");
  const all = await tags();

  const question = await expectRefusal(["registry", "prune", "--keep-days", "0"], { cwd }, { exitCode: 2, says: ["--yes"] });
  expect(question.stderr).toContain(third.slice(0, 8));
  const dry = await must("registry", "prune", "--keep-days", "0", "--dry-run");
  expect(dry.stdout).toContain(third.slice(0, 8));
  for (const kept of [live, first, second, fourth]) expect(dry.stdout).not.toContain(kept.slice(0, 8));
  expect((await must("registry", "prune")).stdout).toContain("Nothing to remove");
  expect(await tags()).toEqual(all);

  await must("registry", "prune", "--keep-days", "0", "--yes");
  const left = await tags();
  expect(left).toEqual(expect.arrayContaining([live, first, second, fourth].map((commit) => commit.slice(0, 8)).concat("main")));
  expect(left.filter((tag) => tag.includes(third.slice(0, 8)))).toEqual([]);
  await must("deploy", "staging");
});

test("without an answer of every host nothing is removed, and those that do not answer are named", async () => {
  await release("fifth");
  await release("sixth");
  const before = await tags();
  const prune = async (env: Record<string, string>) => {
    const ran = await coldtivate(["registry", "prune", "--keep-days", "0", "--yes", "--json"], { cwd, env });
    expect(ran, ran.output).toMatchObject({ exitCode: 3 });
    return (JSON.parse(ran.stdout) as { error: { code: string; message: string; details: string[] } }).error;
  };
  const away = { PRODUCTION_SSH_HOST: "127.0.0.1" };
  expect((await prune(away)).message).toMatch(/^live: .*127\.0\.0\.1/);
  const { code, details } = await prune({ ...away, STAGING_SSH_HOST: "127.0.0.1" });
  expect(code).toBe("HOSTS_UNREACHABLE");
  expect(details.join("\n")).toMatch(/^staging: [^]*^live: /m);
  expect(await tags()).toEqual(before);
});
