// Measures deploys of one service against the least that such a deploy takes, without and with latency; prints tables.
// usage: npm run bench deploy [-- --rounds 5] [-- --json FILE]
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startLatencyRelay } from "../e2e/support/load/latency-relay.ts";
import { formatStartUp, measureStartUp } from "./start-up.ts";
import { formatTable, median } from "./support/figures.ts";
import { onStaging, time, type Timed } from "./support/machine.ts";
import { forgetImages, prepareDeploys, readCommitTime, readHealthTime, type PreparedDeploys } from "./support/prepared-deploys.ts";
import { readSshUse, type SshUse } from "./support/sshd-log.ts";

/** Round-trip times to the host, in milliseconds, on top of the sandbox's own. */
const latencies = [0, 50, 200];

/** One run of a kind of deploy. */
interface Run extends Timed, SshUse {
  /** Of `milliseconds`, the time until the service itself was healthy; where it was measured. */
  health?: number;
  /** Of `milliseconds`, the time until the release served; the rest is the old slot's end. */
  serving?: number;
}

interface Result {
  latency: number;
  floor: Run[];
  release: Run[];
  unchanged: Run[];
  /** By a deploy of the older commit. */
  back: Run[];
  rollback: Run[];
}

/** How the staging host is reached. */
interface Way {
  host: string;
  port: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2),
    options: { rounds: { type: "string", default: "5" }, json: { type: "string" } },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds: expected a number of at least 1");
  tell("making commits and images");
  await using prepared = await prepareDeploys();
  const results: Result[] = latencies.map((latency) => ({ latency, floor: [], release: [], unchanged: [], back: [], rollback: [] }));
  for (let round = 1; round <= rounds; round++) {
    for (const result of results) {
      tell(`round ${round} of ${rounds}, ${result.latency} ms`);
      await measureRound(prepared, result, round);
    }
  }
  await clearFloor();
  tell("start-up");
  const startUp = await measureStartUp();
  if (values.json !== undefined)
    await writeFile(values.json, `${JSON.stringify({ cores: cpus().length, results, startUp }, undefined, 2)}\n`);
  process.stdout.write(`${describe(results)}\n\n${formatStartUp(startUp)}`);
}

/** Each kind of deploy once; floor and release take turns at being the first. */
async function measureRound(prepared: PreparedDeploys, result: Result, round: number): Promise<void> {
  const host = process.env["STAGING_SSH_HOST"]!;
  const relay = result.latency === 0 ? undefined : await startLatencyRelay({ host, ports: [22], delay: result.latency / 2 });
  const way: Way = relay === undefined ? { host, port: 22 } : { host: "127.0.0.1", port: relay.portOf(22) };
  try {
    await forgetImages();
    const release = async () => void result.release.push(await released(() => deploy(prepared, prepared.own.other, way)));
    const floor = async () =>
      void result.floor.push(await watched(() => releaseByHand(prepared.imageOf(prepared.floor.other), ["green", "blue"], way)));
    for (const run of round % 2 === 0 ? [release, floor] : [floor, release]) await run();
    result.unchanged.push(await watched(() => deploy(prepared, prepared.own.other, way)));
    result.back.push(await returned(() => deploy(prepared, prepared.own.rest, way)));
    // There and back again.
    for (let turn = 0; turn < 2; turn++) result.rollback.push(await returned(() => rollBack(prepared, way)));
    await releaseByHand(prepared.imageOf(prepared.floor.rest), ["blue", "green"], { host, port: 22 });
  } finally {
    await relay?.stop();
  }
}

async function watched(run: () => Promise<Timed>): Promise<Run> {
  const before = await readSshUse();
  const timed = await run();
  const after = await readSshUse();
  return { ...timed, connections: after.connections - before.connections, execs: after.execs - before.execs };
}

/** A deploy that changes something. */
async function released(run: () => Promise<Timed>): Promise<Run> {
  const timed = await watched(run);
  return { ...timed, serving: (await readCommitTime()) - timed.began };
}

/** One that goes back: its goal depends on the service. */
async function returned(run: () => Promise<Timed>): Promise<Run> {
  const timed = await released(run);
  return { ...timed, health: await readHealthTime() };
}

function deploy({ clone }: PreparedDeploys, commit: string, way: Way): Promise<Timed> {
  return time("coldtivate", ["deploy", "staging", "--ref", commit, "--allow-older"], { cwd: clone, env: environmentOf(way) });
}

function rollBack({ clone }: PreparedDeploys, way: Way): Promise<Timed> {
  return time("coldtivate", ["rollback", "staging"], { cwd: clone, env: environmentOf(way) });
}

function environmentOf({ host, port }: Way): NodeJS.ProcessEnv {
  return { ...process.env, STAGING_SSH_HOST: host, STAGING_SSH_PORT: String(port) };
}

async function releaseByHand(image: string, [next, old]: readonly [string, string], { host, port }: Way): Promise<Timed> {
  const folder = await mkdtemp(join(tmpdir(), "coldtivate-bench-"));
  try {
    const options = {
      StrictHostKeyChecking: "accept-new",
      UserKnownHostsFile: join(folder, "known_hosts"),
      IdentitiesOnly: "yes",
      LogLevel: "ERROR",
    };
    const flags = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
    const key = process.env["STAGING_SSH_PRIVATE_KEY"]!;
    const command = `bash floor/release.sh ${image} ${next} ${old}`;
    return await time("ssh", ["-F", "none", ...flags, "-i", key, "-p", String(port), `deploy@${host}`, command]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function clearFloor(): Promise<string> {
  return onStaging(
    `docker rm -f floor-front floor-blue floor-green >/dev/null 2>&1; docker network rm floor >/dev/null; rm -rf /home/deploy/floor /home/deploy/.docker/config.json`,
  );
}

function describe(results: readonly Result[]): string {
  const rows = results.flatMap(({ latency, floor, release, unchanged, back, rollback }) => {
    const base = median(floor.map(({ milliseconds }) => milliseconds));
    const goalOf = (runs: readonly Run[]) => (latency === 0 ? seconds(1500 + median(runs.map((run) => run.health ?? Number.NaN))) : "");
    const row = (name: string, runs: readonly Run[], goal: string) => {
      const typical = median(runs.map(({ milliseconds }) => milliseconds));
      const against = [`${(typical / base).toFixed(2)}×`, seconds(typical - base, true)];
      const serving = runs.flatMap((run) => run.serving ?? []);
      const used = (what: keyof SshUse) => String(Math.max(...runs.map((run) => run[what])));
      const peak = `${Math.max(...runs.map((run) => run.peak)).toFixed(0)} MiB`;
      return [
        `${name}, ${latency} ms`,
        seconds(typical),
        serving.length > 0 ? seconds(median(serving)) : "",
        ...against,
        goal,
        used("connections"),
        used("execs"),
        peak,
      ];
    };
    return [
      row("floor", floor, ""),
      row("release of one service", release, latency === 50 ? "" : latency === 0 ? "floor + 0.5 s" : "floor + 1 s"),
      row("nothing changed", unchanged, latency === 0 ? "1 s" : ""),
      row("back to the former commit", back, goalOf(back)),
      row("rollback", rollback, goalOf(rollback)),
    ];
  });
  return formatTable(["", "median", "serves after", "× floor", "− floor", "goal", "connections", "execs", "peak memory"], rows);
}

function seconds(milliseconds: number, signed = false): string {
  return `${signed && milliseconds >= 0 ? "+" : ""}${(milliseconds / 1000).toFixed(2)} s`;
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

await main();
