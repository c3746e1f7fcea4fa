import { ColdtivateError } from "../errors.ts";
import { lines } from "./host.ts";
import { bash, inOctal } from "./remote-shell.ts";
import type { HostConnection } from "./ssh.ts";
import type { TarEntry } from "./tar.ts";

/** Questions of the script's part `survey.sh`, which has them. */
export interface SurveyQuestion {
  about: "exists" | "tree" | "device";
  /** A path, or a volume's name. */
  subject: string;
}

/** Answers, as words; the first one says of which kind it is. */
export type SurveyAnswer = string[];

const part = "survey.sh";

/**
 * Asks a host what else has to be known of it, once it is known what a release mounts there. Changes nothing.
 *
 * @param script what readHostScript gave
 */
export async function surveyHost(
  connection: HostConnection,
  script: readonly TarEntry[],
  questions: readonly SurveyQuestion[],
  signal: AbortSignal,
): Promise<SurveyAnswer[]> {
  const asked = questions.filter(({ subject }) => !/[\t\r\n]/.test(subject));
  if (asked.length === 0) return [];
  const asking = script.find(({ path }) => path.endsWith(`/${part}`))?.content.toString() ?? "";
  const command = bash(`export LC_ALL=C; printf -v asking %b "${inOctal(asking)}"; eval "$asking"; survey`);
  const stdin = Buffer.from(asked.map(({ about, subject }) => `${about}\t${subject}\n`).join(""));
  const { code, stdout, stderr } = await connection.exec(command, { stdin, signal });
  if (code === 0) return lines(stdout.toString()).map((line) => line.split("\t"));
  throw new ColdtivateError(`${connection.host}: what it has for this release's mounts cannot be told`, {
    code: "HOST_NOT_READY",
    exit: "refused",
    details: lines(stderr),
    hint: "Correct what the host says, then run the same command again.",
  });
}
