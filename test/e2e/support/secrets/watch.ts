import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { inject } from "vitest";
import { top } from "../repository.ts";
import { must } from "../run.ts";
import type { WatchBrief, WatchReport } from "./watcher.ts";

export interface SecretWatch {
  /** Asks what it saw, and sends it home. */
  end: () => Promise<WatchReport>;
}

/**
 * Has a process look at all others, and at what others can read.
 * @param folders here; those of the staging host are known
 */
export async function startSecretWatch(secrets: Record<string, string>, folders: readonly string[]): Promise<SecretWatch> {
  const init = await machineInit("staging");
  const there = ["home/deploy/.coldtivate", "home/deploy/.docker", "tmp", "run", "dev/shm", "root"];
  const brief: WatchBrief = { secrets, folders: [...folders, ...there.map((path) => `/proc/${init}/root/${path}`)] };
  const child = spawn(process.execPath, [join(top, "test/e2e/support/secrets/watcher.ts")], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.write(`${JSON.stringify(brief)}\n`);
  return {
    async end() {
      child.stdin.end();
      const [said] = await Promise.all([text(child.stdout), once(child, "exit")]);
      return JSON.parse(said) as WatchReport;
    },
  };
}

/** A machine's first process, as this one sees it. */
async function machineInit(machine: string): Promise<string> {
  const [, second, third] = inject("net").split(".");
  const pids = await must("ip", ["netns", "pids", `coldtivate-${second}-${third}-${machine}`]);
  for (const pid of pids.split("\n")) {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    if (new RegExp(`^NSpid:\\s+${pid}\\s+1$`, "m").test(status)) return pid;
  }
  throw new Error(`${machine} is off`);
}
