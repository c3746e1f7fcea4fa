import { fileURLToPath } from "node:url";
import { Config } from "@oclif/core/config";
import { run as runCommand } from "@oclif/core/run";
import { settings } from "@oclif/core/settings";
import { changes } from "./lib/changes.ts";
import { ColdtivateError } from "./lib/errors.ts";
import { describeFailure, exitCodeOf } from "./lib/report/failure.ts";
import { failureDocument, formatFailure } from "./lib/report/failure-text.ts";
import { formatJson } from "./lib/report/json.ts";
import { wantsColor } from "./lib/report/mode.ts";
import { flushOutput, guardOutput } from "./lib/report/output.ts";
import { createPalette } from "./lib/report/palette.ts";
import { nearest } from "./lib/common/nearest.ts";

/**
 * Runs the command in the arguments, and ends the process with its exit code.
 * @param url of a file below the package's folder
 */
export async function run(url: string, argv: string[] = process.argv.slice(2)): Promise<never> {
  guardOutput();
  // Otherwise oclif looks for a compiler under NODE_ENV=development, and warns that there is none.
  settings.enableAutoTranspile = false;
  let exitCode = 0;
  try {
    const config = await Config.load(fileURLToPath(url));
    requireCommand(config, argv);
    await runCommand(argv, config);
    exitCode = Number(process.exitCode ?? 0);
  } catch (error) {
    exitCode = reportedExit(error) ?? report(error, argv);
  }
  await flushOutput();
  process.exit(exitCode);
}

/** @throws ColdtivateError UNKNOWN_COMMAND, with the command that was probably meant */
function requireCommand(config: Config, argv: readonly string[]): void {
  const [first] = argv;
  if (first === undefined || first.startsWith("-") || first === "help") return;
  const names = config.commandIDs.map((id) => id.split(":")[0]!);
  if (names.includes(first)) return;
  const meant = nearest(first, names);
  const hint = `${meant ? `did you mean ${config.bin} ${meant}? ` : ""}${config.bin} --help lists the commands`;
  throw new ColdtivateError(`there is no command ${first}`, { code: "UNKNOWN_COMMAND", exit: "usage", hint });
}

/** The exit code of an error that a command has already printed. */
function reportedExit(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("skipOclifErrorHandling" in error) || !("oclif" in error)) return undefined;
  const { oclif } = error;
  return typeof oclif === "object" && oclif !== null && "exit" in oclif ? Number(oclif.exit) : undefined;
}

function report(error: unknown, argv: readonly string[]): number {
  const failure = describeFailure(error, { changed: changes.told() });
  const exitCode = exitCodeOf(failure);
  const passed = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  if (passed.includes("--json")) process.stdout.write(formatJson(failureDocument(failure, exitCode)));
  else process.stderr.write(formatFailure(failure, createPalette(wantsColor(process.stderr, process.env))));
  return exitCode;
}
