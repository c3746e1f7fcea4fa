// The tests build on each other: each goes on from where the one before it came to.
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeFolder, publish } from "../support/clones.ts";
import { expectRest, hostContent, readContainers } from "../support/host-state.ts";
import { onHost } from "../support/hosts.ts";
import {
  editions,
  expectNothingLost,
  makeFrontsProject,
  removeFrontsProject,
  running,
  setVariables,
  startFrontsLoad,
} from "../support/projects/fronts-project.ts";
import { expectRefusal } from "../support/refusal.ts";
import { stopRegistry } from "../support/registry/outage.ts";
import { coldtivate, must, type Ran } from "../support/run.ts";

const state = "/home/deploy/.coldtivate/small-staging";

/** A release, and what its containers are made from. */
interface Release {
  id: string;
  edition: string;
  content: string;
}

let clone: string;
/** The configuration alone: no repository, no dotenv, and other Compose files. */
let folder: string;
const releases: Release[] = [];

/** What decides what the project's containers do, without the slot they are in; by service. */
async function readContent(): Promise<string> {
  const format =
    '{{index .Config.Labels "com.docker.compose.service"}} {{.Config.Image}} {{.Image}} {{json .Config.Env}} {{json .Config.Cmd}} {{json .HostConfig.Binds}} {{index .Config.Labels "coldtivate.definition"}}';
  const listed = await onHost(
    "staging",
    `docker ps -q --filter label=com.docker.compose.project=small-staging | xargs docker inspect --format '${format}'`,
  );
  const inOrder = (list: string) =>
    JSON.stringify((JSON.parse(list) as string[]).filter((entry) => !entry.startsWith("COLDTIVATE_SLOT=")).toSorted());
  // Compose gives variables in any order.
  const lines = listed.split("\n").map((line) => line.replace(/-(blue|green) /, " ").replace(/\["[^\]]*PATH=[^\]]*\]/, inOrder));
  return lines.toSorted().join("\n");
}

const current = async () => (await onHost("staging", `readlink ${state}/current`)).replace("releases/", "");

const dotenvOf = ({ edition }: Pick<Release, "edition">) => `OPEN=${edition}\nTOKEN='p$ss "${edition}" #1'\n`;

/** Releases another edition, of another image and another dotenv. */
async function release(edition: string): Promise<void> {
  await writeFile(join(clone, "web/sign.txt"), `${edition}\n`);
  for (const service of ["shop", "scheduler"]) await setVariables(clone, service, { EDITION: edition });
  await publish(clone, `feat: ${edition}`);
  const env = { PROJECT_DOT_ENV: dotenvOf({ edition }) };
  const { exitCode, output } = await coldtivate(["deploy", "staging"], { cwd: clone, env });
  expect(exitCode, output).toBe(0);
  releases.push({ id: await current(), edition, content: await readContent() });
}

function rollBack(...args: string[]): Promise<Ran> {
  const env = { CI_REGISTRY_USER: undefined, CI_REGISTRY_PASSWORD: undefined };
  return coldtivate(["rollback", "staging", ...args], { cwd: folder, env });
}

async function expectServing({ edition, content }: Release): Promise<void> {
  expect(await readContent()).toBe(content);
  expect(await editions()).toMatchObject({ shop: edition });
  expect(await running()).toHaveLength(7);
  await expectRest("staging", "small-staging");
}

beforeAll(async () => {
  clone = await makeFrontsProject();
  for (const edition of ["another", "yet another", "a third"]) await release(edition);
  folder = await makeFolder();
  await copyFile(join(clone, "coldtivate.yml"), join(folder, "coldtivate.yml"));
  await mkdir(join(folder, "web"));
  for (const file of ["docker-compose.yml", "docker-compose.fronts.yml", "web/Dockerfile"])
    await writeFile(join(folder, file), "services: {}\n");
});
afterAll(removeFrontsProject);

test("without the registry, the repository and the dotenv: exactly what ran before, and no request is lost", async () => {
  const [, second, third] = releases as [Release, Release, Release];
  expect(new Set(releases.map(({ content }) => content)).size).toBe(3);
  await stopRegistry();
  const load = await startFrontsLoad();
  const { exitCode, stdout, output } = await rollBack();
  const report = await load.stop();
  expect(exitCode, output).toBe(0);
  console.info(stdout, report.answered);
  expect(stdout).toContain(`rolled back to ${second.id}`);
  expectNothingLost(report, 50);
  await expectServing(second);

  const journal = await onHost("staging", `cat ${state}/current/journal`);
  expect(journal).not.toMatch(/\tbegin\t(task|pull)/);
  const serving = await current();
  expect(releases.map(({ id }) => id)).not.toContain(serving);
  const history = await coldtivate(["history", "staging", "--limit", "2"], { cwd: folder });
  expect(history.stdout).toMatch(new RegExp(`\\* +${serving} .* served, back to ${second.id}\\n .*${third.id} .* served$`));
});

test("once more goes back to what served before that; a release can be named, too", async () => {
  const [first, , third] = releases as [Release, Release, Release];
  expect(await rollBack()).toMatchObject({ exitCode: 0 });
  await expectServing(third);
  const dry = await rollBack(first.id, "--dry-run");
  expect(dry).toMatchObject({ exitCode: 0 });
  expect(dry.stdout).toContain(`back to ${first.id}`);
  expect(dry.stdout).toMatch(/~ shop +image sha256:\w+ → sha256:\w+; environment EDITION /);
  expect(dry.stdout).toMatch(/~ web +image sha256:\w+ → sha256:\w+; environment OPEN, TOKEN /);
  await expectServing(third);
  expect(await rollBack(first.id)).toMatchObject({ exitCode: 0 });
  await expectServing(first);
});

test("what serves already is nothing to do", async () => {
  const [first] = releases as [Release];
  const before = await hostContent("staging");
  const { exitCode, stdout } = await rollBack(first.id);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("nothing to do");
  expect(await hostContent("staging")).toBe(before);
});

test("a release that is not kept is an error that lists those that are", async () => {
  const [first, second] = releases as [Release, Release];
  const says = [/does not keep a release 20200101t000000-00000000/, first.id, second.id, "(serves now)"];
  await expectRefusal(["rollback", "staging", "20200101t000000-00000000"], { cwd: folder }, { exitCode: 2, says });
});

test("one whose images are gone is refused while nobody can pull them, and they are named", async () => {
  const [first, second] = releases as [Release, Release];
  const image = /\S+\/web@sha256:\w+/.exec(second.content)![0];
  await onHost("staging", `docker image rm -f ${image} >&2`);
  const before = await hostContent("staging");
  await stopRegistry();
  await expectRefusal(["rollback", "staging", second.id], { cwd: folder }, { exitCode: 3, says: [image, "cannot be pulled"] });
  expect(await hostContent("staging")).toBe(before);
  await expectServing(first);
});

test("a commit that is older than the one that serves is refused, also where a shallow clone cannot tell its past", async () => {
  const [, second, third] = releases as [Release, Release, Release];
  const deploy = (cwd: string, ...args: string[]) =>
    coldtivate(["deploy", "staging", ...args], { cwd, env: { PROJECT_DOT_ENV: dotenvOf(third) } });
  const newest = await deploy(clone);
  expect(newest.exitCode, newest.output).toBe(0);
  await expectServing(third);
  const before = await readContainers("staging", "small-staging");
  const refusal = { exitCode: 3, says: ["is older than the one that serves", "rollback staging", "--allow-older"] };
  const older = ["--ref", "main~1"];
  await expectRefusal(["deploy", "staging", ...older], { cwd: clone }, refusal);

  const shallow = join(await makeFolder(), "shallow");
  await must("git", ["branch", "older", "main~1"], { cwd: clone });
  await must("git", ["clone", "--quiet", "--depth", "1", "--branch", "older", `file://${clone}`, shallow]);
  await must("git", ["switch", "--quiet", "--create", "main"], { cwd: shallow });
  await expectRefusal(["deploy", "staging"], { cwd: shallow }, refusal);
  expect(await readContainers("staging", "small-staging")).toBe(before);

  // Its images were removed above: they are pulled again.
  const { exitCode, output } = await coldtivate(["deploy", "staging", ...older, "--allow-older"], {
    cwd: clone,
    env: { PROJECT_DOT_ENV: dotenvOf(second) },
  });
  expect(exitCode, output).toBe(0);
  await expectServing(second);
});

test("nobody goes back past a release that was declared irreversible", async () => {
  const [first, , third] = releases as [Release, Release, Release];
  const env = { PROJECT_DOT_ENV: dotenvOf(third) };
  const { exitCode, output } = await coldtivate(["deploy", "staging", "--irreversible"], { cwd: clone, env });
  expect(exitCode, output).toBe(0);
  const irreversible = await current();
  const before = await hostContent("staging");
  for (const named of [[], [first.id]])
    await expectRefusal(["rollback", "staging", ...named], { cwd: folder }, { exitCode: 3, says: [`past ${irreversible}`] });
  expect(await hostContent("staging")).toBe(before);
  await expectServing(third);
});
