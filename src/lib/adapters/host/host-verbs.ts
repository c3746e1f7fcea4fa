import { changes } from "../../changes.ts";
import { ColdtivateError } from "../../errors.ts";
import { plainLines } from "../../common/host-answer.ts";
import { nothingDeployed, verbCommand } from "./host-bootstrap.ts";
import { ownScript } from "./host-script.ts";
import type { HostConnection } from "../ssh/ssh.ts";
import type { ExecOptions } from "../ssh/ssh-channel.ts";
import { packTar } from "../tar.ts";

/** The script, packed to be sent and run once. */
let packed: Promise<Buffer> | undefined;

/** Milliseconds for a verb that does not wait for anybody. */
const patience = 120_000;

export interface VerbResult {
  /** The script's exit code. */
  code: number;
  stdout: string;
  /** Its standard output as it came: fields count bytes. */
  bytes: Buffer;
  /** Its messages to people, one line per element. */
  told: string[];
}

export interface VerbOptions extends Pick<ExecOptions, "signal" | "onLine" | "timeout" | "limit"> {
  /** What the verb reads from standard input. */
  input?: string;
  /** Whether the verb is refused where nothing was ever deployed; true by default. */
  needsState?: boolean;
}

/**
 * Runs a verb of the script on an environment's state. This coldtivate's own script is sent along and run, because others may
 * have changed the copy on the host.
 *
 * @param name of the Compose project, and of the state directory
 * @param words verb and arguments, in `[A-Za-z0-9._-]`; anything else goes over standard input
 * @throws ColdtivateError NOTHING_DEPLOYED if the host has no such environment; HOST_ANSWER for a word that is not allowed
 */
export async function runVerb(
  connection: HostConnection,
  name: string,
  words: readonly string[],
  { input = "", timeout = patience, needsState = true, ...options }: VerbOptions = {},
): Promise<VerbResult> {
  const script = await ownScript();
  const archive = await (packed ??= packTar(script));
  const command = verbCommand(name, words, { script, length: archive.length, needsState });
  const [what, undoes] = changing.get(words[0] ?? "") ?? [];
  const change = what === undefined ? undefined : changes.begin(what, connection.host, undoes);
  const { code, stdout, stderr } = await connection.exec(command, {
    stdin: Buffer.concat([archive, Buffer.from(input)]),
    timeout,
    ...options,
  });
  // The codes 2, 3 and `nothingDeployed` are refusals. A verb that broke off has written to its journal what it did.
  if (code === 0) change?.done();
  else if (code === 2 || code === 3 || code === nothingDeployed) change?.dropped();
  if (code === nothingDeployed) {
    throw new ColdtivateError(`nothing was ever deployed to ${connection.host} as ${name}`, {
      code: "NOTHING_DEPLOYED",
      exit: "refused",
      hint: "Deploy first; or, where somebody else deployed, connect as that user: each user's releases lie in their own home.",
    });
  }
  return { code, stdout: stdout.toString(), bytes: stdout, told: plainLines(stderr) };
}

/** Verbs that change a host by themselves: what they did, and which earlier change they revert. */
const changing = new Map<string, [what: string, undoes?: string]>([
  ["lock", ["locked"]],
  ["unlock", ["unlocked", "locked"]],
  ["recover", ["finished or undone, where anything was interrupted"]],
  ["catch_up", ["brought to the release that other hosts serve"]],
]);
