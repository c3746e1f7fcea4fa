import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { inject } from "vitest";
import type { Host, Machine } from "./hosts.ts";
import { top } from "./repository.ts";
import { must } from "./run.ts";

/** The name of a machine's namespaces. */
const namespace = (machine: Machine = "staging"): string => `coldtivate-${inject("net").split(".").slice(1, 3).join("-")}-${machine}`;

/** The host's file system from here, as far as it is on its disk. */
export const hostFolder = (machine: Host = "staging"): string => join(top, ".sandbox", inject("net").replace("/24", ""), machine);

/** Runs sandbox.sh. */
export const sandboxScript = (...args: string[]): Promise<string> =>
  must("bash", ["scripts/sandbox.sh", ...args, "--net", inject("net")], { cwd: top });

/** Runs a program in the host's network, with this machine's file system. */
export const inHostNetwork = (machine: Host, ...command: string[]): Promise<string> =>
  must("nsenter", [`--net=/run/netns/${namespace(machine)}`, ...command]);

/** A process of the host. */
export interface HostProcess {
  pid: number;
  /** Its arguments, a NUL after each. */
  command: string;
  /** Whether it is the first one of its session. */
  leads: boolean;
}

/** The processes of the host, or of another machine of the sandbox, by this machine's process ids. */
export async function hostProcesses(machine?: Machine): Promise<HostProcess[]> {
  const pids = (await must("ip", ["netns", "pids", namespace(machine)])).split("\n").filter(Boolean);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [command, stat] = await Promise.all([read(`/proc/${pid}/cmdline`), read(`/proc/${pid}/stat`)]);
      const session = stat.slice(stat.lastIndexOf(")")).split(" ")[4];
      return { pid: Number(pid), command, leads: session === pid };
    }),
  );
  return found.filter(({ command }) => command !== "");
}

/** Ids of releases that the host keeps, the newest last. */
export async function keptReleases(state: string): Promise<string[]> {
  const ids = await readdir(join(state, "releases")).catch((): string[] => []);
  return ids.toSorted();
}

export const read = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");
