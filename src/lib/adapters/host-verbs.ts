import { ColdtivateError } from "../errors.ts";
import { plainLines } from "../release/host-answer.ts";
import { findScript } from "./host-script.ts";
import { bash, shellWord } from "./remote-shell.ts";
import type { HostConnection } from "./ssh.ts";
import type { ExecOptions } from "./ssh-channel.ts";

/** Milliseconds for a verb that waits for nobody. */
const patience = 120_000;

export interface VerbResult {
  /** The script's exit code. */
  code: number;
  stdout: string;
  /** What it said to people, a line an element. */
  told: string[];
}

export interface VerbOptions extends Pick<ExecOptions, "signal" | "onLine" | "timeout" | "limit"> {
  /** What the verb reads. */
  input?: string;
}

/**
 * Runs a verb of the script that a host keeps beside an environment's state.
 *
 * @param name of the Compose project, which is the state directory's, too
 * @param words verb and arguments, in `[A-Za-z0-9._-]`; anything else goes over standard input
 * @throws ColdtivateError NOTHING_DEPLOYED where the host has no such environment; HOST_ANSWER for a word that is none
 */
export async function runVerb(
  connection: HostConnection,
  name: string,
  words: readonly string[],
  { input = "", timeout = patience, ...options }: VerbOptions = {},
): Promise<VerbResult> {
  const command = bash(
    `${findScript(name)}; [ -e "$s" ] || exit ${nothing}; exec bash "$s" -p ${shellWord(name)} -c ${words.map(shellWord).join(" ")}`,
  );
  const { code, stdout, stderr } = await connection.exec(command, { stdin: Buffer.from(input), timeout, ...options });
  if (code === nothing) {
    throw new ColdtivateError(`nothing was ever deployed to ${connection.host} as ${name}`, {
      code: "NOTHING_DEPLOYED",
      exit: "refused",
      hint: "Deploy first; or, where somebody else deployed, connect as that user: each user's releases lie in their own home.",
    });
  }
  return { code, stdout: stdout.toString(), told: plainLines(stderr) };
}

/** What the command ends with where the environment has no state; the script itself never does. */
const nothing = 77;
