// Tries every kind of malformed input, and prints what became of it. usage: run.ts SEED [KIND [INDEX]]
import { kinds } from "./kinds.ts";
import { seeded, seedOf } from "./random.ts";
import { faultOf } from "./error-check.ts";
import { createProjectFixture } from "./project-fixture.ts";

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
using fixture = createProjectFixture();

for (const { name, count, attempt } of kinds.filter((kind) => onlyKind === undefined || kind.name === onlyKind)) {
  fixture.reset();
  for (let index = 0; index < count; index++) {
    if (onlyIndex !== undefined && Number(onlyIndex) !== index) continue;
    const input = `${seed} ${JSON.stringify(name)} ${index}`;
    const written = new Set<string>();
    const watched = {
      ...fixture,
      write: (path: string, content: string | Uint8Array) => (written.add(path), fixture.write(path, content)),
    };
    const before = fixture.snapshot();
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
    if (written.size > 0) fixture.reset();
    if (written.has("key")) fixture.write("key", "");
    if (fault === undefined && fixture.snapshot() !== before && !written.has("key")) fault = "something was changed";
    if (fault !== undefined) report.failures.push(`${input}: ${fault}`);
    report.inputs++;
  }
}
report.memory = process.resourceUsage().maxRSS * 1024;
process.stdout.write(JSON.stringify(report));
