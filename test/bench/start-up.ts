import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** How long a command takes from its start to its end. */
export interface StartUp {
  name: string;
  /** Median of all rounds. */
  milliseconds: number;
  /** To a Node.js that does nothing, started just before: the median of the rounds' ratios. */
  ratio: number;
}

interface Command {
  name: string;
  args: string[];
  exitCode: number;
  env?: NodeJS.ProcessEnv;
}

const program = fileURLToPath(new URL("../../bin/run.js", import.meta.url));

const configuration = `project: shop
registry: { image: registry.example.com/shop }
environments:
  staging: { branches: [main], host: staging.example.com, user: deploy, compose: [compose.yml] }
`;

/**
 * Measures what dist/ takes to start, beside a Node.js that does nothing: all commands in turn, again and again, so that
 * whatever else the machine does meets all of them. What Node.js compiles is kept in a folder of the measurement's own.
 * @throws when a command does not end as it should
 */
export async function measureStartUp(rounds = 25): Promise<StartUp[]> {
  const directory = await mkdtemp(join(tmpdir(), "coldtivate-bench-"));
  try {
    await writeFile(join(directory, "coldtivate.yml"), configuration);
    await writeFile(join(directory, "compose.yml"), "services: { web: { image: registry.example.com/shop/web } }\n");
    const commands = commandsIn(directory);
    const times = commands.map((): number[] => []);
    for (let round = -1; round < rounds; round++) {
      for (const [index, command] of commands.entries()) {
        const taken = await time(command, directory);
        if (round >= 0) times[index]!.push(taken);
      }
    }
    const [bare = []] = times;
    return commands.map(({ name }, index) => ({
      name,
      milliseconds: median(times[index]!),
      ratio: median(times[index]!.map((taken, round) => taken / bare[round]!)),
    }));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The results as a table. */
export function formatStartUp(results: readonly StartUp[]): string {
  const width = Math.max(...results.map(({ name }) => name.length));
  const rows = results.map(
    ({ name, milliseconds, ratio }) =>
      `${name.padEnd(width)}  ${milliseconds.toFixed(0).padStart(4)} ms  ${ratio.toFixed(2).padStart(5)} ×`,
  );
  return `${rows.join("\n")}\n`;
}

function commandsIn(directory: string): Command[] {
  const env = { ...process.env, XDG_CACHE_HOME: join(directory, "cache") };
  return [
    { name: "node -e 0", args: ["-e", "0"], exitCode: 0 },
    { name: "--version", args: [program, "--version"], exitCode: 0, env },
    { name: "--help", args: [program, "--help"], exitCode: 0, env },
    { name: "deploy --help", args: [program, "deploy", "--help"], exitCode: 0, env },
    { name: "status, of an environment that is not there", args: [program, "status", "nowhere"], exitCode: 2, env },
    {
      name: "--version, with nothing kept",
      args: [program, "--version"],
      exitCode: 0,
      env: { ...env, NODE_DISABLE_COMPILE_CACHE: "1" },
    },
  ];
}

/** @returns milliseconds */
async function time({ name, args, exitCode, env = process.env }: Command, directory: string): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, args, { cwd: directory, env, stdio: "ignore" });
  const [code] = (await once(child, "exit")) as [number | null];
  const taken = performance.now() - started;
  if (code !== exitCode) throw new Error(`${name} ended with ${code}, not with ${exitCode}`);
  return taken;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

if (import.meta.main) process.stdout.write(formatStartUp(await measureStartUp()));
