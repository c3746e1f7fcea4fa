import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";

export const top = new URL("../../../", import.meta.url).pathname.replace(/\/$/, "");

const execute = promisify(execFile);

/** Runs a program that must succeed, and gives its standard output without the last line's end. */
export async function must(program: string, args: readonly string[], cwd: string = top): Promise<string> {
  const { stdout } = await execute(program, args, { cwd, maxBuffer: 1 << 26 });
  return stdout.trimEnd();
}

/** Runs a shell script on the staging host, as root and outside of SSH; it is in no argument list. */
export async function onStaging(script: string): Promise<string> {
  const running = execute("bash", ["scripts/sandbox.sh", "exec", "--net", network(), "staging", "bash", "-s"], { cwd: top });
  running.child.stdin?.end(script);
  return (await running).stdout.trimEnd();
}

/** The sandbox's network; scripts/bench.sh sets it. */
export function network(): string {
  const net = process.env["COLDTIVATE_TEST_NET"];
  if (net === undefined) throw new Error("COLDTIVATE_TEST_NET is not set: start this with npm run bench");
  return net;
}

export interface Timed {
  /** Milliseconds since the epoch. */
  began: number;
  milliseconds: number;
  /** The most memory that the process itself had at a time, in MiB. */
  peak: number;
}

/** Runs a program that must succeed from its start to its end, and looks at its memory meanwhile. */
export async function time(program: string, args: readonly string[], { cwd = top, env = process.env } = {}): Promise<Timed> {
  const began = Date.now();
  const started = performance.now();
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let peak = 0;
  const looking = setInterval(() => (peak = Math.max(peak, peakOf(child.pid))), 20);
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await once(child, "exit")) as [number | null];
  const milliseconds = performance.now() - started;
  clearInterval(looking);
  const output = (await said).join("\n");
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}:\n${output}`);
  return { began, milliseconds, peak };
}

function peakOf(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
