import { execa } from "execa";
import type { TestProject } from "vitest/node";
import { top } from "./repository.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The environment that a CI job has. */
    sandbox: Record<string, string>;
    net: string;
  }
}

/** Brings the tests' own sandbox up, and hands its environment to them. */
export default async function setup(project: TestProject): Promise<void> {
  const net = process.env["COLDTIVATE_TEST_NET"] ?? "198.18.1.0/24";
  await execa("bash", ["scripts/sandbox.sh", "up", "--net", net], { cwd: top, stderr: "inherit" });
  const { stdout } = await execa(
    "bash",
    ["-c", 'env -i PATH="$PATH" bash -c "$(bash scripts/sandbox.sh env --net "$1"); env -0"', "env", net],
    { cwd: top },
  );
  const entries = stdout.split("\0").filter((entry) => entry.includes("="));
  const sandbox = Object.fromEntries(entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]));
  project.provide("sandbox", sandbox);
  project.provide("net", net);
}
