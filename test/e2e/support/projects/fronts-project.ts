import { cp } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { edit, publish } from "../clones.ts";
import { ask, onHost, stagingHost } from "../hosts.ts";
import { startLoad, type Load, type LoadReport } from "../load/load.ts";
import { top } from "../repository.ts";
import { coldtivate } from "../run.ts";
import { makeSmallProject, removeSmallProject } from "./small-project.ts";

/** Services of the shop that take requests, and where. */
export const frontServices = { shop: 8125, stall: 8126 };

/** The Compose file that they are in. */
export const composeFile = "docker-compose.fronts.yml";

/** A clone of the small project that also has two services with fronts, and a singleton that writes down when it lives. */
export async function makeFrontsProject(): Promise<string> {
  // What a run that was broken off left would have its slots, and its data.
  await removeFrontsProject();
  const clone = await makeSmallProject();
  const folder = join(top, "test/e2e/support/projects/fronts-project");
  for (const file of ["server.py", "heartbeat.sh"]) await cp(join(folder, file), join(clone, "web", file));
  await cp(join(folder, composeFile), join(clone, composeFile));
  await edit(clone, "coldtivate.yml", (text) => {
    const both = text.replace("compose: [docker-compose.yml]", `compose: [docker-compose.yml, ${composeFile}]`);
    // Both slots may write to the ledger.
    const written = both.replace(/^services:$/m, "services:\n  shop: { rollout: blue-green }\n  stall: { rollout: blue-green }");
    return `${written}front: { image: "\${FRONT_IMAGE:-haproxy:3.2-alpine}" }\n`;
  });
  return clone;
}

/** Takes the project off staging, with all that it wrote down. */
export async function removeFrontsProject(): Promise<void> {
  await removeSmallProject();
  await onHost("staging", "docker volume ls -q --filter label=com.docker.compose.project=small-staging | xargs -r docker volume rm >&2");
}

/** Sets variables of a service: `EDITION`, which it tells whoever asks, and `FAULT`, the way in which it fails. */
export function setVariables(clone: string, service: string, variables: Record<string, string>): Promise<void> {
  const line = new RegExp(`(?<=\\n  ${service}:[^]*?environment: )\\{.*\\}`);
  return edit(clone, composeFile, (text) =>
    text.replace(line, (written) => JSON.stringify({ ...(JSON.parse(written) as object), ...variables })),
  );
}

/** Releases other editions of services; the output of the deploy. */
export async function release(clone: string, changes: Record<string, string>): Promise<string> {
  for (const [service, edition] of Object.entries(changes)) await setVariables(clone, service, { EDITION: edition });
  await publish(clone, `feat: ${JSON.stringify(changes)}`);
  const { exitCode, output } = await coldtivate(["deploy", "staging"], { cwd: clone });
  expect(exitCode, output).toBe(0);
  return output;
}

/** Asks all shops over and over, on connections that are kept alive. */
export function startFrontsLoad(perSecond = 50): Promise<Load> {
  const lanes = Object.entries(frontServices).map(([name, port]) => ({
    name,
    origin: `http://${stagingHost()}:${port}`,
    protocol: "h1" as const,
    requests: ["GET /version", "POST /receipt"],
  }));
  return startLoad({ lanes, perSecond });
}

export function expectNothingLost({ answered, failures, examples }: LoadReport, least = 0): void {
  expect({ failures, examples }).toEqual({ failures: {}, examples: [] });
  expect(answered).toBeGreaterThan(least);
}

/** Which edition of each shop answers; undefined where none does. */
export async function editions(): Promise<Record<string, unknown>> {
  const answers = Object.entries(frontServices).map(
    async ([name, port]) => [name, (await ask(`${stagingHost()}:${port}`, "version"))?.["commit"]] as const,
  );
  return Object.fromEntries(await Promise.all(answers));
}

/** The project's containers that run, by service; those that exist and do not run have a question mark. */
export async function running(): Promise<string[]> {
  const filter = "--filter label=com.docker.compose.project=small-staging";
  const format = '{{.Label "com.docker.compose.service"}} {{.State}}';
  const lines = await onHost("staging", `docker ps -a ${filter} --format '${format}'`);
  return lines
    .split("\n")
    .map((line) => line.replace(/ running$/, "").replace(/ .*/, "?"))
    .toSorted();
}
