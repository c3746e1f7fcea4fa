// Tries every kind of malformed input, and prints what became of it. usage: run.ts SEED [KIND [INDEX]]
import { kinds } from "./kinds.ts";
import { seeded, seedOf } from "./random.ts";
import { faultOf } from "./verdict.ts";
import { createWorld } from "./world.ts";

export interface Report {
  inputs: number;
  /** How many of them were refused; the others were well-formed enough. */
  refused: number;
  failures: string[];
  /** Of one input, in milliseconds. */
  slowest: { input: string; milliseconds: number };
  /** The most memory that the process had, in bytes. */
  memory: number;
}

const [seed = "1", onlyKind, onlyIndex] = process.argv.slice(2);
const report: Report = { inputs: 0, refused: 0, failures: [], slowest: { input: "", milliseconds: 0 }, memory: 0 };
using world = createWorld();

for (const { name, count, attempt } of kinds.filter((kind) => onlyKind === undefined || kind.name === onlyKind)) {
  world.reset();
  for (let index = 0; index < count; index++) {
    if (onlyIndex !== undefined && Number(onlyIndex) !== index) continue;
    const input = `${seed} ${JSON.stringify(name)} ${index}`;
    const written = new Set<string>();
    const watched = { ...world, write: (path: string, content: string | Uint8Array) => (written.add(path), world.write(path, content)) };
    const before = world.look();
    const began = performance.now();
    let fault: string | undefined;
    try {
      await attempt(seeded(seedOf(Number(seed), name, index)), watched, index);
    } catch (error) {
      report.refused++;
      fault = faultOf(error);
    }
    const milliseconds = Math.round(performance.now() - began);
    if (milliseconds > report.slowest.milliseconds) report.slowest = { input, milliseconds };
    if (written.size > 0) world.reset();
    if (written.has("key")) world.write("key", "");
    if (fault === undefined && world.look() !== before && !written.has("key")) fault = "something was changed";
    if (fault !== undefined) report.failures.push(`${input}: ${fault}`);
    report.inputs++;
  }
}
report.memory = process.resourceUsage().maxRSS * 1024;
process.stdout.write(JSON.stringify(report));
