// The test of the history needs releases that tests before it had undone. All others stand alone.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { edit, publish } from "../support/clones.ts";
import { onHost, stagingHost } from "../support/hosts.ts";
import { start } from "../support/live-command.ts";
import { makeSmallProject, removeSmallProject } from "../support/projects/small-project.ts";
import { expectRefusal } from "../support/refusal.ts";
import { coldtivate, must, sandbox, type Ran, type RunOptions } from "../support/run.ts";

const deploy = ["deploy", "staging"];
const state = "/home/deploy/.coldtivate/small-staging";
const filter = "--filter label=com.docker.compose.project=small-staging";

let clone: string;
/** A commit that works. */
let good: string;
/** What serves before each test. */
let serving: string;

beforeAll(async () => {
  clone = await makeSmallProject();
  good = await publish(clone, "good");
  expect(await coldtivate(deploy, { cwd: clone })).toMatchObject({ exitCode: 0 });
});
afterAll(removeSmallProject);

beforeEach(async () => {
  serving = await onHost("staging", `basename $(readlink ${state}/current)`);
});
afterEach(async () => {
  await must("git", ["reset", "--quiet", "--hard", good], { cwd: clone });
  const next = await coldtivate(deploy, { cwd: clone });
  expect(next, next.output).toMatchObject({ exitCode: 0 });
  await expectRest();
});

/** Containers of services: their ids, which a deploy that fails before it replaces anything leaves as they are. */
const containers = () => onHost("staging", `docker ps -a --no-trunc ${filter} --format '{{.ID}} {{.Names}} {{.State}}' | sort`);

/** What runs, without ids: a service that was brought back has a new container. */
const definitions = () =>
  onHost(
    "staging",
    `docker ps -aq ${filter} | xargs docker inspect --format '{{.Name}} {{.State.Status}} {{.Config.Image}} {{index .Config.Labels "coldtivate.definition"}}' | sort`,
  );

/** Nothing is at work, and nothing half done lies around. */
async function expectRest(): Promise<void> {
  const left = await onHost(
    "staging",
    `cd ${state}
     flock -sn running true || echo "the lock is held"
     ls -d ../incoming.* /dev/shm/coldtivate.* 2>/dev/null
     docker ps -a ${filter} --filter label=com.docker.compose.oneoff=True --format 'task container {{.Names}}'
     for journal in releases/*/journal; do tail -n 1 "$journal" | grep -qP '\\t0\\t(finished|undone)\\t' || echo "$journal has no end"; done
     true`,
  );
  expect(left).toBe("");
}

/** A deploy that fails once it has begun: exit code 4, one error, and words on what serves and what to do. */
async function expectFailure(says: readonly string[], options: Partial<RunOptions> = {}): Promise<Ran> {
  const ran = await expectRefusal(deploy, { cwd: clone, ...options }, { exitCode: 4, says });
  expect(ran.stderr).toContain(
    `Everything was undone on ${stagingHost()}: ${serving} serves as before. Correct the cause, then: coldtivate deploy staging`,
  );
  expect(await onHost("staging", `basename $(readlink ${state}/current)`)).toBe(serving);
  await expectRest();
  return ran;
}

interface ImageManifest {
  manifests?: { digest: string }[];
  layers?: { digest: string }[];
}

/** Takes the last layer of a commit's image out of the registry, as a storage that is cleaned up too eagerly does. */
async function removeLastLayer(commit: string): Promise<void> {
  const { CI_REGISTRY, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD } = sandbox();
  const headers = {
    authorization: `Basic ${Buffer.from(`${CI_REGISTRY_USER}:${CI_REGISTRY_PASSWORD}`).toString("base64")}`,
    accept: ["oci.image.index.v1", "oci.image.manifest.v1", "docker.distribution.manifest.v2"]
      .map((type) => `application/vnd.${type}+json`)
      .join(", "),
  };
  const repository = `http://${CI_REGISTRY}/v2/test/small/web`;
  const read = async (reference: string) =>
    (await (await fetch(`${repository}/manifests/${reference}`, { headers })).json()) as ImageManifest;
  const index = await read(commit.slice(0, 8));
  const manifest = index.manifests ? await read(index.manifests[0]!.digest) : index;
  const { status } = await fetch(`${repository}/blobs/${manifest.layers?.at(-1)?.digest}`, { method: "DELETE", headers });
  expect(status).toBe(202);
}

/** How often a line of a program's own stands in the output. */
const count = (text: string, line: string) => text.split(line).length - 1;

describe("a task", () => {
  const replaceTask = (run: string, timeout = "1m") =>
    edit(clone, "coldtivate.yml", (text) => text.replace(/run: .*, timeout: 1m/, `run: ${run}, timeout: ${timeout}`));

  test("that fails ends the deploy before anything is replaced; its output is shown once", async () => {
    const before = await containers();
    await replaceTask('[sh, -c, "echo opens the ledger; echo the ledger is torn >&2; exit 7"]');
    const { stderr } = await expectFailure([`${stagingHost()}: task prepare exited with 7`]);
    expect([count(stderr, "opens the ledger"), count(stderr, "the ledger is torn")]).toEqual([1, 1]);
    expect(await containers()).toBe(before);
  });

  test("that fails tells machines the same, with its output", async () => {
    await replaceTask('[sh, -c, "echo the ledger is torn; exit 7"]');
    const { exitCode, stdout } = await coldtivate([...deploy, "--json"], { cwd: clone });
    expect(exitCode).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({
      error: {
        code: "DEPLOY_FAILED",
        exit: "failed",
        exitCode: 4,
        details: ["the ledger is torn"],
        hint: expect.stringContaining(serving),
      },
    });
  });

  test("that hangs is ended after its timeout", async () => {
    const before = await containers();
    await replaceTask('[sh, -c, "echo waits for a lock; exec sleep 300"]', "6s");
    const { stderr } = await expectFailure([`${stagingHost()}: task prepare did not end within 6 s`]);
    expect(count(stderr, "waits for a lock")).toBe(1);
    expect(await containers()).toBe(before);
  });

  test("that works while somebody else deploys: the other is refused, and told who and since when", async () => {
    await replaceTask('[sh, -c, "echo waits for a sign; until [ -e /sign ]; do sleep 0.1; done"]');
    const first = start(deploy, { cwd: clone, env: { GITLAB_USER_LOGIN: "ann", CI_JOB_URL: "https://gitlab.example.com/jobs/7" } });
    await first.says(/waits for a sign/);
    const before = await containers();
    const since = (await onHost("staging", `cut -f 2 ${state}/running`)).trim().slice(11, 19);
    await expectRefusal(
      deploy,
      { cwd: clone },
      {
        exitCode: 3,
        says: [`another deploy runs on ${stagingHost()}`, "ann from https://gitlab.example.com/jobs/7", since, "Nothing was changed"],
      },
    );
    expect(await containers()).toBe(before);
    const status = await coldtivate(["status", "staging"], { cwd: clone });
    expect(status.stdout).toContain("ann");

    await onHost("staging", `docker exec $(docker ps -q ${filter} --filter label=com.docker.compose.oneoff=True) touch /sign`);
    expect(await first.ended).toMatchObject({ exitCode: 0 });
  });
});

describe("a service", () => {
  async function release(change: (text: string) => string, message: string): Promise<void> {
    await edit(clone, "docker-compose.yml", change);
    await publish(clone, message);
  }

  test("that never becomes healthy: what its health check said and its log, and the old one serves", async () => {
    const before = await definitions();
    await release(
      (text) => text.replace(/test: .*/, 'test: echo "no answer from the till"; exit 1').replace("start_period: 30s", "start_period: 0s"),
      "never healthy",
    );
    const { stderr } = await expectFailure([
      `${stagingHost()}: web did not become healthy: small-staging-web-1 is unhealthy`,
      "last health check of small-staging-web-1: no answer from the till",
      "web starts",
    ]);
    expect(count(stderr, "no answer from the till")).toBe(1);
    expect(await definitions()).toBe(before);
  });

  test("that takes too long to become healthy: how long it was waited for", async () => {
    const before = await definitions();
    await release((text) => text.replace(/test: .*/, "test: exit 1"), "slow");
    await edit(clone, "coldtivate.yml", (text) => text.replace("healthy_within: 60s", "healthy_within: 2s"));
    await expectFailure(["web did not become healthy: small-staging-web-1 is starting after 2 s", "web starts"]);
    expect(await definitions()).toBe(before);
  });

  test("that crashes at start is found at once, with its exit code and log", async () => {
    const before = await definitions();
    await release((text) => text.replace("echo web starts; exec sleep infinity", "echo cannot read the price list; exit 3"), "crash");
    const started = performance.now();
    await expectFailure(["web did not become healthy: small-staging-web-1 exited with 3", "cannot read the price list"]);
    expect(performance.now() - started).toBeLessThan(45_000);
    expect(await definitions()).toBe(before);
  });

  test("that is new, has no health check and crashes is found, too, and is gone afterwards", async () => {
    const before = await containers();
    await release((text) => `${text}  guest:\n    <<: *service\n    command: [sh, -c, echo has no ticket; exit 4]\n`, "guest");
    await expectFailure(["guest did not become healthy: small-staging-guest-1 exited with 4", "has no ticket"]);
    expect(await containers()).toBe(before);
  });

  test("that cannot be started: the engine's own words", async () => {
    const before = await definitions();
    const program = "init: false\n    entrypoint: [/no/such/clerk]\n    command: [sh, -c, echo clerk";
    await release((text) => text.replace("command: [sh, -c, echo clerk", program), "no program");
    await expectFailure(["cannot start", "/no/such/clerk"]);
    expect(await definitions()).toBe(before);
  });
});

describe("the host", () => {
  test("that somebody locked refuses, with the reason", async () => {
    expect(await coldtivate(["lock", "staging", "-m", "moving\nthe till"], { cwd: clone })).toMatchObject({ exitCode: 0 });
    const before = await containers();
    try {
      const again = await coldtivate(["lock", "staging", "--message", "something else"], { cwd: clone });
      expect(again.exitCode).toBe(3);
      expect(again.stderr).toContain("moving the till");
      await edit(clone, "coldtivate.yml", (text) => text.replace("all is prepared", "all is new"));
      const says = [`${stagingHost()} is locked`, "moving the till", "Nothing was changed", "coldtivate unlock staging"];
      await expectRefusal(deploy, { cwd: clone }, { exitCode: 3, says });
    } finally {
      const { exitCode, stdout } = await coldtivate(["unlock", "staging"], { cwd: clone });
      expect({ exitCode, stdout }).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("moving the till") });
    }
    expect(await containers()).toBe(before);
  });

  test("has a history that tells who deployed what, when, and how it ended", async () => {
    const { stdout } = await coldtivate(["history", "staging", "--json", "--limit", "50"], { cwd: clone });
    const { hosts } = JSON.parse(stdout) as { hosts: { current: string; deploys: Record<string, unknown>[] }[] };
    const [{ current, deploys } = { current: "", deploys: [] }] = hosts;
    const entry = deploys.find(({ release, outcome }) => release === current && outcome === "finished");
    expect(entry).toMatchObject({ ref: "main", by: expect.stringContaining(" from "), changed: expect.any(Array) });
    expect(String(entry?.["commit"]).slice(0, 8)).toBe(current.slice(-8));
    expect(deploys.some(({ outcome }) => outcome === "undone")).toBe(true);
    const told = await coldtivate(["history", "staging"], { cwd: clone });
    expect(told.stdout).toMatch(new RegExp(`^\\* +${current} .* served$`, "m"));
  });

  test("that cannot pull a layer: which image, and why", async () => {
    const before = await containers();
    await must("bash", ["-c", "head -c 4096 /dev/urandom | base64 >web/noise"], { cwd: clone });
    const commit = await publish(clone, "noise");
    await removeLastLayer(commit);
    await expectFailure(["cannot pull", "test/small/web@sha256:"]);
    expect(await containers()).toBe(before);
  });
});

test("a first release that fails leaves nothing", async () => {
  await removeSmallProject();
  await edit(clone, "coldtivate.yml", (text) => text.replace("[echo, all is prepared]", "[sh, -c, exit 5]"));
  await expectRefusal(
    deploy,
    { cwd: clone },
    { exitCode: 4, says: ["task prepare exited with 5", "nothing of this project served before, and nothing does now"] },
  );
  expect(await containers()).toBe("");
  await expectRest();
});
