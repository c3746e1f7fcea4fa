import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { publish } from "../support/clones.ts";
import { makeSmallProject, removeSmallProject } from "../support/projects/small-project.ts";
import { coldtivate, sandbox } from "../support/run.ts";

let cwd: string;

beforeAll(async () => {
  cwd = await makeSmallProject();
  const path = join(cwd, "coldtivate.yml");
  await writeFile(path, (await readFile(path, "utf8")).replace("build:\n", "build:\n  provenance: max\n"));
});
afterAll(removeSmallProject);

interface Index {
  manifests?: { annotations?: Record<string, string> }[];
}

async function readManifest(tag: string): Promise<Index> {
  const { CI_REGISTRY, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD } = sandbox();
  const authorization = `Basic ${Buffer.from(`${CI_REGISTRY_USER}:${CI_REGISTRY_PASSWORD}`).toString("base64")}`;
  const accept = "application/vnd.oci.image.index.v1+json";
  const response = await fetch(`http://${CI_REGISTRY}/v2/test/small/web/manifests/${tag}`, { headers: { authorization, accept } });
  return (await response.json()) as Index;
}

test("an image with provenance is pushed, recorded and deployed", async () => {
  const commit = await publish(cwd, `provenance ${Date.now()}`);
  const { manifests = [] } = await readManifest(commit.slice(0, 8));
  expect(await readManifest("main")).toEqual(await readManifest(commit.slice(0, 8)));
  const kinds = manifests.map(({ annotations }) => annotations?.["vnd.docker.reference.type"]);
  expect(kinds).toContain("attestation-manifest");
  const deployed = await coldtivate(["deploy", "staging"], { cwd });
  expect(deployed, deployed.output).toMatchObject({ exitCode: 0, output: expect.not.stringContaining("no record") });
});
