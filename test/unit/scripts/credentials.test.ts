import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const parts = new URL("../../../scripts/environment-deployment-management/", import.meta.url).pathname;
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "coldtivate-credentials-"));
  for (const registry of ["docker.io", "r.example.com:5000"]) mkdirSync(join(directory, registry));
});
afterAll(() => rmSync(directory, { recursive: true }));

test.each([
  ["postgres:15", "docker.io"],
  ["org/web@sha256:00", "docker.io"],
  ["docker.io/org/web@sha256:00", "docker.io"],
  ["index.docker.io/org/web@sha256:00", "docker.io"],
  ["r.example.com:5000/web", "r.example.com:5000"],
  ["other.example.com/web", undefined],
])("a host pulls %s with the login of %s", (image, registry) => {
  const script = `set -Eeuo pipefail; source ${parts}credentials.sh; credentials=$1; configuration_for "$2"`;
  const found = execFileSync("bash", ["-c", script, "bash", directory, image], { encoding: "utf8" }).trim();
  expect(found).toBe(registry === undefined ? "" : join(directory, registry));
});
