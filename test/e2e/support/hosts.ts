import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { inject } from "vitest";
import { top } from "./repository.ts";
import { must, sandbox } from "./run.ts";

/** A host of the sandbox. */
export type Host = "staging" | "production" | "host1";

/** A host, or another machine of the sandbox. */
export type Machine = Host | "builder" | "gateway";

/** The staging host's address. */
export const stagingHost = (): string => sandbox()["STAGING_SSH_HOST"]!;
/** The production host's address. */
export const productionHost = (): string => sandbox()["PRODUCTION_SSH_HOST"]!;

/** Runs a shell command on a host, or on another of the sandbox's machines, as root and outside of SSH. */
export async function onHost(host: Machine, command: string): Promise<string> {
  const { pid } = await initOf(host);
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const flags = ["--mount", "--uts", "--ipc", "--net", "--pid", "--wdns=/"];
  return must("nsenter", ["--target", pid, ...flags, "env", "-i", `PATH=${path}`, "HOME=/root", "TERM=dumb", "bash", "-c", command]);
}

/** A machine's first process, as this machine sees it. */
interface Init {
  pid: string;
  /** Its namespace of processes: after a power cut, the machine has another one. */
  namespace: string;
}

const inits = new Map<Machine, Init>();

/** Finds a machine's first process once: the sandbox's own `exec` looks through all processes each time. */
async function initOf(host: Machine): Promise<Init> {
  const known = inits.get(host);
  if (known !== undefined && namespaceOf(known.pid) === known.namespace) return known;
  const words = ["scripts/sandbox.sh", "exec", "--net", inject("net"), host, "readlink", "/proc/self/ns/pid"];
  const namespace = await must("bash", words, { cwd: top });
  const pid = readdirSync("/proc").find((name) => namespaceOf(name) === namespace && isFirst(name));
  if (pid === undefined) throw new Error(`${host} has no first process`);
  const found = { pid, namespace };
  inits.set(host, found);
  return found;
}

/** The namespace of processes that a process lives in; undefined where it has ended, also while its parent has yet to take note. */
function namespaceOf(pid: string): string | undefined {
  try {
    // One that has ended keeps its namespace of processes, but no other.
    readlinkSync(`/proc/${pid}/ns/mnt`);
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

function isFirst(pid: string): boolean {
  return /^NSpid:\s+\d+\s+1$/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

/** What a route of a server answers, as JSON; undefined when it is no 200. */
export async function ask(address: string, route: string): Promise<Record<string, unknown> | undefined> {
  const response = await fetch(`http://${address}/${route}`, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
  return response?.ok ? ((await response.json()) as Record<string, unknown>) : undefined;
}
