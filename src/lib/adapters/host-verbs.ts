import { changes } from "../changes.ts";
import { ColdtivateError } from "../errors.ts";
import { findScript } from "./host-script.ts";
import { lines } from "./host.ts";
import { bash } from "./remote-shell.ts";
import type { HostConnection } from "./ssh.ts";

export interface VerbResult {
  /** The script's exit code. */
  code: number;
  stdout: string;
  /** What it said to people, a line an element. */
  told: string[];
}

/**
 * Runs a verb of the script that a host keeps beside an environment's state.
 *
 * @param name of the Compose project, which is the state directory's, too
 * @param words verb and arguments, in `[A-Za-z0-9._-]`; anything else goes over standard input
 * @throws ColdtivateError NOTHING_DEPLOYED where the host has no such environment
 */
export async function runVerb(
  connection: HostConnection,
  name: string,
  words: readonly string[],
  { input = "", ...options }: { input?: string; signal?: AbortSignal; onLine?: (line: string) => void } = {},
): Promise<VerbResult> {
  const command = bash(`${findScript(name)}; [ -e "$s" ] || exit ${nothing}; exec bash "$s" -p ${name} -c ${words.join(" ")}`);
  const [what, undoes] = changing.get(words[0] ?? "") ?? [];
  const change = what === undefined ? undefined : changes.begin(what, connection.host, undoes);
  const { code, stdout, stderr } = await connection.exec(command, { stdin: Buffer.from(input), ...options });
  // What it ends with otherwise is a refusal; one that broke off has told what of, in its journal.
  if (code === 0) change?.done();
  else if (code === 2 || code === 3 || code === nothing) change?.dropped();
  if (code === nothing) {
    throw new ColdtivateError(`nothing was ever deployed to ${connection.host} as ${name}`, {
      code: "NOTHING_DEPLOYED",
      exit: "refused",
      hint: "Deploy first; or, where somebody else deployed, connect as that user: each user's releases lie in their own home.",
    });
  }
  return { code, stdout: stdout.toString(), told: lines(stderr) };
}

/** Verbs that change a host by themselves: what they did, and what that takes back. */
const changing = new Map<string, [what: string, undoes?: string]>([
  ["lock", ["locked"]],
  ["unlock", ["unlocked", "locked"]],
  ["recover", ["finished or undone, where anything was interrupted"]],
  ["catch_up", ["brought to the release that other hosts serve"]],
]);

/** What the command ends with where the environment has no state; the script itself never does. */
const nothing = 77;
