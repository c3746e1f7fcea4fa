import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { makeKiosk } from "./kiosk.ts";
import { expectRefusal } from "./refusal.ts";
import { makeSleeper, removeProject } from "./sleeper.ts";
import { coldtivate, commitAll, makeFolder, sandbox, type Ran } from "./world.ts";

let cwd: string;

beforeAll(async () => {
  cwd = await makeKiosk();
});

async function must(...args: string[]): Promise<Ran> {
  const ran = await coldtivate(args, { cwd });
  expect(ran, ran.output).toMatchObject({ exitCode: 0 });
  return ran;
}

/** A commit with another content, in the registry. */
async function release(sign: string): Promise<string> {
  await writeFile(join(cwd, "web", "sign.txt"), `${sign} ${Date.now()}\n`);
  const commit = await commitAll(cwd, sign);
  await must("build", "--push");
  return commit;
}

async function tags(): Promise<string[]> {
  const { CI_REGISTRY, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD } = sandbox();
  const authorization = `Basic ${Buffer.from(`${CI_REGISTRY_USER}:${CI_REGISTRY_PASSWORD}`).toString("base64")}`;
  const response = await fetch(`http://${CI_REGISTRY}/v2/test/kiosk/web/tags/list`, { headers: { authorization } });
  return ((await response.json()) as { tags: string[] }).tags;
}

test("what a host may go back to and what main names stays, all else goes", async () => {
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
  for (const kept of [first, second, fourth]) expect(dry.stdout).not.toContain(kept.slice(0, 8));
  expect((await must("registry", "prune")).stdout).toContain("Nothing to remove");
  expect(await tags()).toEqual(all);

  await must("registry", "prune", "--keep-days", "0", "--yes");
  const left = await tags();
  expect(left).toEqual(expect.arrayContaining([first.slice(0, 8), second.slice(0, 8), fourth.slice(0, 8), "main"]));
  expect(left.filter((tag) => tag.includes(third.slice(0, 8)))).toEqual([]);
  await must("deploy", "staging");
});

test("without an answer of every host nothing is removed", async () => {
  const before = await tags();
  const env = { STAGING_SSH_HOST: "127.0.0.1", STAGING_SSH_FINGERPRINT: sandbox()["STAGING_SSH_FINGERPRINT"] };
  const ran = await coldtivate(["registry", "prune", "--keep-days", "0", "--yes"], { cwd, env });
  expect(ran, ran.output).toMatchObject({ exitCode: 3 });
  expect(await tags()).toEqual(before);
});

test("with several environments, what any of their hosts keeps stays; hosts that do not answer are named", async () => {
  const folder = await makeFolder();
  const registry = {
    image: `\${CI_REGISTRY}/test/${crypto.randomUUID()}`,
    username: "${CI_REGISTRY_USER}",
    password: "${CI_REGISTRY_PASSWORD}",
    insecure: true,
  };
  const project = "branches";
  const clone = await makeSleeper(project, folder, { registry, environments: { staging: "STAGING", live: "PRODUCTION" } });
  const run = async (args: string[], env: Record<string, string> = {}, exitCode = 0) => {
    const ran = await coldtivate(args, { cwd: clone, env });
    expect(ran, ran.output).toMatchObject({ exitCode });
    return ran;
  };
  const commits: string[] = [];
  try {
    for (const environment of [undefined, "live", "staging"]) {
      await writeFile(join(clone, "sleeper", "root", "news"), crypto.randomUUID());
      commits.push((await commitAll(clone, "news")).slice(0, 8));
      await run(["build", "--push"]);
      if (environment !== undefined) await run(["deploy", environment]);
    }
    const prune = ["registry", "prune", "--keep-days", "0", "--json"];
    const { leftovers } = JSON.parse((await run([...prune, "--dry-run"])).stdout) as { leftovers: { tags: string[] }[] };
    expect(leftovers).toMatchObject([{ tags: expect.arrayContaining([commits[0]]) }]);

    const away = { PRODUCTION_SSH_HOST: "127.0.0.1" };
    const refused = await run([...prune, "--yes"], away, 3);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { message: expect.stringMatching(/^live: .*127\.0\.0\.1/) } });
    const both = await run([...prune, "--yes"], { ...away, STAGING_SSH_HOST: "127.0.0.1" }, 3);
    const { error } = JSON.parse(both.stdout) as { error: { code: string; details: string[] } };
    expect(error.code).toBe("HOSTS_UNREACHABLE");
    expect(error.details.join("\n")).toMatch(/^staging: [^]*^live: /m);
    expect(JSON.parse((await run([...prune, "--yes"])).stdout)).toMatchObject({
      removed: [{ tags: expect.arrayContaining([commits[0]]) }],
    });
  } finally {
    await Promise.all([removeProject("staging", `${project}-staging`), removeProject("production", `${project}-live`)]);
  }
});
