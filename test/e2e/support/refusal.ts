import { expect } from "vitest";
import { coldtivate, type Ran, type RunOptions } from "./run.ts";

/** What an error has to be and to say. */
interface Expected {
  exitCode: number;
  says: readonly (string | RegExp)[];
}

/** Runs the CLI, and expects one error on standard error: these words, this exit code, a hint, no stack. */
export async function expectRefusal(args: readonly string[], options: RunOptions, { exitCode, says }: Expected): Promise<Ran> {
  const ran = await coldtivate(args, options);
  expect(ran, ran.output).toMatchObject({ exitCode, stdout: "" });
  for (const words of says) {
    if (typeof words === "string") expect(ran.stderr).toContain(words);
    else expect(ran.stderr).toMatch(words);
  }
  expect(ran.stderr.match(/^✗ /gm), ran.stderr).toHaveLength(1);
  expect(ran.stderr.match(/^→ /gm), ran.stderr).toHaveLength(1);
  expect(ran.stderr).not.toMatch(/^ +at .*[:(]\d+/m);
  return ran;
}
