import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** What a fake docker was called with. */
export interface Call {
  args: string[];
  env: Record<string, string>;
  stdin: string;
  cwd: string;
}

/**
 * Puts a `docker` of its own first on PATH, a shell script's body that sees `$*` and standard input in `$stdin`.
 * Every call is recorded. PATH and DOCKER_CONFIG are as before once it is disposed of.
 */
export function fakeDocker(body: string) {
  const directory = mkdtempSync(join(tmpdir(), "coldtivate-fake-docker-"));
  const bin = join(directory, "bin");
  const config = join(directory, "config");
  const calls = join(directory, "calls");
  for (const each of [bin, config, calls]) mkdirSync(each);
  const script = `#!${process.execPath}
const { spawnSync } = require("node:child_process");
const { readFileSync, writeFileSync } = require("node:fs");
const args = process.argv.slice(2);
const stdin = readFileSync(0, "utf8");
writeFileSync(${JSON.stringify(calls)} + "/" + String(process.hrtime.bigint()), JSON.stringify({ args, env: process.env, stdin, cwd: process.cwd() }));
const { status } = spawnSync("/bin/bash", ["-c", ${JSON.stringify(body)}, "docker", ...args], { stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, stdin } });
process.exit(status ?? 1);
`;
  writeFileSync(join(bin, "docker"), script, { mode: 0o755 });
  const before = { PATH: process.env["PATH"], DOCKER_CONFIG: process.env["DOCKER_CONFIG"] };
  process.env["PATH"] = `${bin}${delimiter}${before.PATH ?? ""}`;
  process.env["DOCKER_CONFIG"] = config;
  return {
    directory,
    /** The user's own Docker configuration. */
    config,
    calls(): Call[] {
      return readdirSync(calls)
        .toSorted()
        .map((name) => JSON.parse(readFileSync(join(calls, name), "utf8")));
    },
    [Symbol.dispose]() {
      process.env["PATH"] = before.PATH;
      if (before.DOCKER_CONFIG === undefined) delete process.env["DOCKER_CONFIG"];
      else process.env["DOCKER_CONFIG"] = before.DOCKER_CONFIG;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
