// Measures builds of a monorepo's images against docker buildx bake and against one build after the other; prints tables.
// usage: npm run bench build [-- --rounds 3] [-- --json FILE] [-- --only builds|growth]
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startLatencyRelay } from "../e2e/support/load/latency-relay.ts";
import { buildWithColdtivate, forgetBuilds, openContestants, type Contestant } from "./support/contestants.ts";
import { formatTable, median } from "./support/figures.ts";
import type { Timed } from "./support/machine.ts";
import { changeNothing, changeOne, makeMonorepo } from "./support/monorepo.ts";

const images = 10;
/** Bytes that each image's context holds, and that no compression makes smaller. */
const contextBytes = 4_000_000;
/** What a registry further away adds to each request, in milliseconds. */
const distance = 40;
const sizes = [10, 50, 200];

/** Some 2.2 s: half of it waits, as for a download, and half of it computes. */
const dockerfile = `ARG BASE
FROM \${BASE}
COPY data /app/data
RUN sleep 1.1 && head -c 300000000 /dev/zero | sha256sum >/app/step-1
COPY . /app
RUN head -c 150000000 /dev/zero | sha256sum >/app/step-2
`;

interface Scenario {
  name: string;
  /** What coldtivate may take: of bake's time, or in milliseconds. */
  goals: { ofBake?: number; milliseconds?: number };
  /** Whether the engine knows of no build before. */
  fresh: boolean;
}

/** One after the other by each contestant, on an engine that no other one has used in between. */
const unchanged: readonly Scenario[] = [
  { name: "cold", goals: { ofBake: 1.03 }, fresh: true },
  { name: "nothing changed, the same builder", goals: {}, fresh: false },
  { name: "nothing changed, a fresh builder", goals: { ofBake: 0.06, milliseconds: 400 }, fresh: true },
];
const another: Scenario = { name: "nothing changed in another commit, a fresh builder", goals: {}, fresh: true };
const changed: Scenario = { name: "one of ten changed, a fresh builder", goals: { ofBake: 0.6 }, fresh: true };

/** By scenario and contestant: a run a round. */
type Results = Map<string, Map<string, Timed[]>>;

interface Bench {
  scratch: string;
  registry: string;
  rounds: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2),
    options: { rounds: { type: "string", default: "3" }, json: { type: "string" }, only: { type: "string" } },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds: expected a number of at least 1");
  const scratch = await mkdtemp(join(tmpdir(), "coldtivate-bench-"));
  try {
    const bench = { scratch, registry: process.env["CI_REGISTRY"]!, rounds };
    const results = values.only === "growth" ? new Map<never, never>() : await measureBuilds(bench);
    const growth = values.only === "builds" ? [] : await measureGrowth(bench);
    const plain = Object.fromEntries([...results].map(([name, runs]) => [name, Object.fromEntries(runs)]));
    if (values.json !== undefined)
      await writeFile(values.json, `${JSON.stringify({ cores: cpus().length, builds: plain, growth }, undefined, 2)}\n`);
    process.stdout.write(`${[describe(results), describeGrowth(growth)].filter(Boolean).join("\n\n")}\n`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Every scenario once a round, the contestants taking turns at being the first; each round and contestant has repositories of its own. */
async function measureBuilds({ scratch, registry, rounds }: Bench): Promise<Results> {
  const results: Results = new Map();
  const folder = join(scratch, "monorepo");
  await makeMonorepo({ folder, images, bytes: contextBytes, dockerfile });
  const contestants = await openContestants({ scratch, images });
  const run = Date.now().toString(36);
  for (let round = 1; round <= rounds; round++) {
    const imageOf = ({ name }: Contestant) => `bench/${run}/${round}/${name.replaceAll(" ", "-")}`;
    const order = contestants.map((_, index) => contestants[(index + round) % contestants.length]!);
    const measure = async (contestant: Contestant, { name, fresh }: Scenario) => {
      if (fresh) await forgetBuilds();
      tell(`round ${round} of ${rounds}: ${name}, ${contestant.name}`);
      record(results, name, contestant.name, await contestant.build(folder, `${registry}/${imageOf(contestant)}`));
    };
    for (const contestant of order) for (const scenario of unchanged) await measure(contestant, scenario);
    await changeNothing(folder, `round ${round}`);
    for (const contestant of order) await measure(contestant, another);
    await changeOne(folder, `round ${round}`);
    for (const contestant of order) await measure(contestant, changed);
    const own = contestants.at(-1)!;
    record(results, distantName, own.name, await buildFromAfar(folder, `${registry}/${imageOf(own)}`));
  }
  await forgetBuilds();
  return results;
}

const distantName = `nothing changed, a fresh builder, +${distance} ms a request`;

/** Nothing changed, and the registry far away: for the client alone, as the engine is not asked. */
async function buildFromAfar(folder: string, image: string): Promise<Timed> {
  await forgetBuilds();
  const [host = "", port = ""] = image.split("/")[0]!.split(":");
  const relay = await startLatencyRelay({ host, ports: [Number(port)], delay: distance / 2 });
  try {
    // As a proxy: images keep their names, the base image's too, which is part of what they are made of.
    return await buildWithColdtivate(folder, image, {
      env: { HTTP_PROXY: `http://127.0.0.1:${relay.portOf(Number(port))}`, NO_PROXY: "" },
    });
  } finally {
    await relay.stop();
  }
}

interface Growth {
  images: number;
  runs: Timed[];
}

/** Nothing changed, for more and more images; their Dockerfiles have nothing to run, so that the first build is over soon. */
async function measureGrowth({ scratch, registry, rounds }: Bench): Promise<Growth[]> {
  const folder = join(scratch, "growing");
  const most = Math.max(...sizes);
  await makeMonorepo({ folder, images: most, bytes: 1000, dockerfile: "FROM scratch\nCOPY . /\n", parts: sizes });
  const image = `${registry}/bench/${Date.now().toString(36)}/growth`;
  tell(`building ${most} images`);
  await buildWithColdtivate(folder, image);
  const growth = sizes.map((count): Growth => ({ images: count, runs: [] }));
  for (let round = 1; round <= rounds; round++) {
    for (const { images: count, runs } of growth) {
      tell(`round ${round} of ${rounds}: nothing changed, ${count} images`);
      await forgetBuilds();
      runs.push(await buildWithColdtivate(folder, image, { flags: ["--config", `coldtivate-${count}.yml`] }));
    }
  }
  return growth;
}

function record(results: Results, scenario: string, contestant: string, run: Timed): void {
  const runs = results.get(scenario) ?? new Map<string, Timed[]>();
  runs.set(contestant, [...(runs.get(contestant) ?? []), run]);
  results.set(scenario, runs);
}

/** Ratios are of the same round, and the median of them. */
function describe(results: Results): string {
  if (results.size === 0) return "";
  const goals = new Map([
    ...[...unchanged, another, changed].map(({ name, goals: its }) => [name, its] as const),
    [distantName, { milliseconds: 800 }] as const,
  ]);
  const rows = [...results].map(([name, runs]) => {
    const times = (contestant: string) => (runs.get(contestant) ?? []).map(({ milliseconds }) => milliseconds);
    const own = times("coldtivate");
    const against = (other: string) => {
      const others = times(other);
      return others.length === 0 ? "" : `${median(own.map((each, index) => each / others[index]!)).toFixed(3)}×`;
    };
    const shown = (contestant: string) => (times(contestant).length === 0 ? "" : seconds(median(times(contestant))));
    const { ofBake, milliseconds } = goals.get(name) ?? {};
    const goal = [ofBake === undefined ? [] : [`${ofBake}×`], milliseconds === undefined ? [] : [seconds(milliseconds)]].flat().join(", ");
    return [name, shown("one by one"), shown("bake"), shown("coldtivate"), against("one by one"), against("bake"), goal];
  });
  return formatTable(["", "one by one", "bake", "coldtivate", "× one by one", "× bake", "goal"], rows);
}

function describeGrowth(growth: readonly Growth[]): string {
  if (growth.length === 0) return "";
  const rows = growth.map(({ images: count, runs }) => {
    const typical = median(runs.map(({ milliseconds }) => milliseconds));
    return [`nothing changed, ${count} images`, seconds(typical), `${(typical / count).toFixed(1)} ms`];
  });
  return formatTable(["", "coldtivate", "an image"], rows);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

await main();
