import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa, type Options } from "execa";
import { afterAll, inject } from "vitest";

export const top = new URL("../../../", import.meta.url).pathname.replace(/\/$/, "");

/** A command's end: everything it printed, and its exit code. */
export interface Ran {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** Both, for what must be nowhere. */
  output: string;
}

export interface RunOptions {
  cwd: string;
  /** Added to the sandbox's environment; undefined takes a variable out. */
  env?: Record<string, string | undefined>;
}

export const sandbox = (): Record<string, string> => inject("sandbox");

export const stagingHost = (): string => sandbox()["STAGING_SSH_HOST"]!;
export const productionHost = (): string => sandbox()["PRODUCTION_SSH_HOST"]!;

/** The environment of a CI job in the sandbox: nothing of this machine's own but what every process has. */
export function jobEnvironment(more: Record<string, string | undefined> = {}): Record<string, string> {
  const { HOME = "/root", LANG = "C.UTF-8" } = process.env;
  const all = { HOME, LANG, ...sandbox(), ...more };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Runs the CLI as a CI job would, without a terminal. */
export async function coldtivate(args: readonly string[], { cwd, env }: RunOptions): Promise<Ran> {
  return run("coldtivate", args, { cwd, env: jobEnvironment(env), extendEnv: false });
}

/** Runs a program and takes any exit code. */
export async function run(program: string, args: readonly string[], options: Options = {}): Promise<Ran> {
  const { exitCode, stdout, stderr, message } = await execa(program, args, { stdin: "ignore", reject: false, ...options });
  const texts = { stdout: String(stdout ?? ""), stderr: String(stderr ?? "") };
  return { exitCode: exitCode ?? -1, ...texts, output: `${texts.stdout}\n${texts.stderr}\n${exitCode === undefined ? message : ""}` };
}

/** Runs a program that must succeed, and gives its standard output. */
export async function must(program: string, args: readonly string[], options: Options = {}): Promise<string> {
  const { stdout } = await execa(program, args, { stdin: "ignore", ...options });
  return String(stdout);
}

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** An empty folder, removed after the file's last test. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "coldtivate-test-"));
  folders.push(folder);
  return folder;
}

/** A fresh clone of the monorepo at a branch or tag, as a CI job gets it; removed after the file's last test. */
export async function checkOut(ref: string): Promise<string> {
  const clone = join(await makeFolder(), "monorepo");
  await must("git", ["-c", "advice.detachedHead=false", "clone", "--quiet", "--branch", ref, await remote(), clone]);
  await must("git", ["config", "user.email", "test@example.com"], { cwd: clone });
  await must("git", ["config", "user.name", "Test"], { cwd: clone });
  return clone;
}

/** The Git URL of the sandbox's monorepo. */
async function remote(): Promise<string> {
  const [a, b, c] = inject("net").split(".");
  return `git://${a}.${b}.${c}.1:9418/backend.git`;
}

export async function commitAll(clone: string, message: string): Promise<string> {
  await must("git", ["add", "--all"], { cwd: clone });
  await must("git", ["commit", "--quiet", "--message", message], { cwd: clone });
  return must("git", ["rev-parse", "HEAD"], { cwd: clone });
}

type Machine = "staging" | "production" | "host1" | "builder" | "gateway";

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

const built = new Set<string>();

/** Builds and pushes a ref's images once for all tests of a file. */
export async function ensureBuilt(ref: string): Promise<void> {
  if (built.has(ref)) return;
  const clone = await checkOut(ref);
  const { exitCode, output } = await coldtivate(["build", "--push"], { cwd: clone });
  if (exitCode !== 0) throw new Error(`building ${ref} failed:\n${output}`);
  built.add(ref);
}
