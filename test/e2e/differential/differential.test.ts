import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { commitAll, makeFolder } from "../support/clones.ts";
import { differences, unexplained, type Allowed, type Difference } from "../support/differential/compare.ts";
import { corpusImages, corpusNames, unpack } from "../support/differential/corpus.ts";
import { dependenciesOf, factsOf } from "../support/differential/facts.ts";
import { probeFor } from "../support/differential/images.ts";
import { pushProbe } from "../support/differential/probe-image.ts";
import { look, noQuestions, questionsAbout, remove } from "../support/differential/view.ts";
import { onHost } from "../support/hosts.ts";
import { makeProject, type Project } from "../support/projects/compose-project.ts";
import { top } from "../support/repository.ts";
import { must, run, sandbox } from "../support/run.ts";
import { allowed, open } from "./allowed.ts";

const names = (await corpusNames()).filter((name) => (process.env["DIFFERENTIAL"] ?? name).split(",").includes(name));
/** How many projects are up at once on each of the two hosts. */
const atOnce = 4;
/** Those that are changed and deployed once more: what a container sees that took another one's place. */
const replaced = new Set(["configs", "links", "minio", "networks", "slots", "volumes"]);
/** A Compose file of theirs beside the others. */
const change = "compose.change.yaml";
const patience = 400_000;
const candidates = ["compose.yaml", "compose.override.yaml", "docker/compose.yaml"];

const outcomes = new Map<string, Promise<Difference[]>>();
const everything = [...allowed, ...open];
const used = new Set<Allowed>();

beforeAll(async () => {
  for (const [repository, tags] of await corpusImages()) await pushProbe(repository, [...tags], probeFor(repository));
  const { CI_REGISTRY, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD } = sandbox();
  // Tags of an earlier run mean other images.
  await onHost(
    "production",
    `docker images --format '{{.Repository}}:{{.Tag}}' | grep -F '${CI_REGISTRY}/' | xargs -r docker rmi -f >&2 || true`,
  );
  await onPlainHost(`docker login --username '${CI_REGISTRY_USER}' --password-stdin ${CI_REGISTRY} <<<'${CI_REGISTRY_PASSWORD}'`);
  await removePlain(names);
  const waiting = [...names];
  const turns = new Map(names.map((name) => [name, Promise.withResolvers<Difference[]>()]));
  for (const [name, { promise }] of turns) outcomes.set(name, promise);
  for (const promise of outcomes.values()) promise.catch(() => {});
  const work = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const found = compare(name);
      turns.get(name)?.resolve(found);
      await found.catch(() => {});
    }
  };
  for (let worker = 0; worker < atOnce; worker += 1) void work();
}, patience);

describe("containers see what plain Compose would show them:", () => {
  test.each(names)("%s", { timeout: patience }, async (name) => {
    const found = (await outcomes.get(name)) ?? [];
    expect(unexplained(found, everything, used).join("\n")).toBe("");
  });

  test("no reason is given for a difference that there is not", () => {
    if (names.length > 30) expect(everything.filter((each) => !used.has(each)).map(({ at, reason }) => `${at}: ${reason}`)).toEqual([]);
  });
});

/** Runs a member of the corpus by plain Compose on production, and by coldtivate on staging. */
async function compare(name: string): Promise<Difference[]> {
  const folder = join(await makeFolder(), name);
  const dotenv = await unpack(name, folder);
  const own = await readFile(join(folder, "coldtivate.yml"), "utf8").catch(() => undefined);
  const settings = await readFile(join(folder, "settings.yml"), "utf8").catch(() => undefined);
  if (replaced.has(name)) await writeFile(join(folder, change), "services: {}\n");
  const compose = [...candidates, change].filter((path) => existsSync(join(folder, path)));
  const project = await makeProject({
    name,
    compose,
    files: own === undefined ? {} : { "coldtivate.yml": own },
    ...(dotenv === undefined ? {} : { dotenv }),
    ...(settings === undefined ? {} : { settings }),
  });
  await must("cp", ["-a", `${folder}/.`, project.clone]);
  await commitAll(project.clone, "feat: everything");
  try {
    if (own !== undefined) {
      const built = await project.run("build", "--push");
      if (built.exitCode !== 0) throw new Error(`coldtivate build: ${built.output}`);
    }
    const up = () => plainUp(name, project, compose, dotenv);
    const found = await compareNow(name, project, up);
    return replaced.has(name) ? [...found, ...(await compareReplaced(name, project, up))] : found;
  } finally {
    if (process.env["DIFFERENTIAL_KEEP"] === undefined)
      await Promise.all([removePlain([name]), remove("staging", [project.project], [project.state])]);
  }
}

/** Brings both up, and compares what their containers see. */
async function compareNow(name: string, project: Project, up: () => Promise<void>): Promise<Difference[]> {
  const [, deployed] = await Promise.all([up(), project.run("deploy", "staging")]);
  if (deployed.exitCode !== 0) return [{ at: `${name} deploy: exit`, plain: "0", ours: `${deployed.exitCode}\n${deployed.output}` }];
  const first = await look("production", project.project, noQuestions);
  const questions = questionsAbout(first);
  const [plain, ours] = await Promise.all([look("production", project.project, questions), look("staging", project.project, questions)]);
  const dependencies = dependenciesOf(first);
  return [
    ...differences(name, factsOf(plain, dependencies), factsOf(ours, dependencies)),
    ...differences(name, { host: plain.published }, { host: ours.published }),
  ];
}

/** The same once each service has another variable, and each volume a file that a container wrote. */
async function compareReplaced(name: string, project: Project, up: () => Promise<void>): Promise<Difference[]> {
  const label = '{{index .Config.Labels "com.docker.compose.service"}}';
  const ids = `docker ps -aq --filter label=com.docker.compose.project=${project.project} | xargs docker inspect --format`;
  const services = await onHost("production", `${ids} '${label}' | sort -u`);
  const volumes = '{{range .Mounts}}{{if and (eq .Type "volume") .RW}}{{.Source}}\n{{end}}{{end}}';
  for (const host of ["production", "staging"] as const)
    await onHost(host, `${ids} '${volumes}' | awk NF | sort -u | while read -r volume; do echo kept >"$volume/written-before"; done`);
  const variables = services.split("\n").map((service) => `  ${service}: { environment: { CHANGED: "2" } }\n`);
  await project.change({ [change]: `services:\n${variables.join("")}` });
  return (await compareNow(name, project, up)).map((difference) => ({ ...difference, after: "replaced" }));
}

/** Checks the files out as people do, and starts them. */
async function plainUp(name: string, { clone, project }: Project, compose: readonly string[], dotenv: string | undefined): Promise<void> {
  const { CI_REGISTRY, BASE_IMAGE } = sandbox();
  const commit = await must("git", ["rev-parse", "--short=8", "HEAD"], { cwd: clone });
  const archive = await must("bash", ["-c", "git archive HEAD | gzip | base64 -w0"], { cwd: clone });
  const variables = dotenv === undefined ? "" : `base64 -d >>.env <<<'${Buffer.from(dotenv).toString("base64")}'`;
  await onPlainHost(
    `mkdir -p ~/plain/${name} && cd ~/plain/${name} && rm -f .env && base64 -d <<<'${archive}' | tar -xz
     ${variables}
     export CI_REGISTRY=${CI_REGISTRY} CI_REGISTRY_IMAGE=${CI_REGISTRY}/test/${name} CI_COMMIT_REF_SLUG=${commit} BASE_IMAGE=${BASE_IMAGE}
     docker compose --progress quiet -p ${project} ${compose.map((path) => `-f ${path}`).join(" ")} up -d`,
  );
}

/** Takes members of the corpus off the host with plain Compose. */
function removePlain(members: readonly string[]): Promise<void> {
  return remove(
    "production",
    members.map((name) => `${name}-staging`),
    members.map((name) => `/home/deploy/plain/${name}`),
  );
}

/** As the user who deploys, so that files have the same owner on both hosts. */
async function onPlainHost(command: string): Promise<string> {
  const encoded = Buffer.from(command).toString("base64");
  const words = [
    "scripts/sandbox.sh",
    "exec",
    "--net",
    inject("net"),
    "production",
    "bash",
    "-c",
    `runuser -u deploy -- bash -euo pipefail -c "$(base64 -d <<<'${encoded}')"`,
  ];
  const { exitCode, stdout, stderr } = await run("bash", words, { cwd: top });
  // What was run is a whole archive: only what it said is worth reading.
  if (exitCode !== 0) throw new Error(stderr);
  return stdout;
}
