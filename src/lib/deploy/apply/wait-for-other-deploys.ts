import { runVerb } from "../../adapters/host/host-verbs.ts";
import type { HostConnection } from "../../adapters/ssh/ssh.ts";
import { ColdtivateError } from "../../errors.ts";
import { passingRefusals } from "./apply-failure.ts";

/** The longest wait for other deploys, in seconds. */
const patience = 3600;

/** Codes of errors that somebody else's deploy causes. You can try again once that deploy has ended. */
const passing: ReadonlySet<string> = new Set(Object.values(passingRefusals));

export interface WaitOptions {
  /** Whether to wait at all. */
  waits: boolean;
  connections: Promise<readonly HostConnection[]>;
  /** Name of the Compose project. */
  project: string;
  announce: (text: string) => Promise<void>;
  signal: AbortSignal;
}

/** Whether an error is temporary: it goes away once another deploy has ended. */
export function isTemporaryError(error: unknown): error is ColdtivateError {
  return error instanceof ColdtivateError && passing.has(error.code);
}

/**
 * Runs an attempt when nobody else deploys. If another deploy is running or was faster, waits for its end and tries again.
 *
 * @throws whatever the attempt throws; ColdtivateError WAITED_TOO_LONG after an hour
 */
export async function waitForOtherDeploys<Result>(input: WaitOptions, attempt: () => Promise<Result>): Promise<Result> {
  const began = performance.now();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!input.waits || !isTemporaryError(error)) throw error;
      const left = Math.ceil(patience - (performance.now() - began) / 1000);
      if (left <= 0) throw waitedTooLong(error);
      const others = error.details.join("; ") || error.message;
      await input.announce(`${others}\nWaiting until it has ended, for at most ${Math.ceil(left / 60)} min.\n`);
      await awaitOthers(input, left, error);
    }
  }
}

async function awaitOthers({ connections, project, signal }: WaitOptions, seconds: number, error: ColdtivateError): Promise<void> {
  const wait = (connection: HostConnection) =>
    runVerb(connection, project, ["queue", String(seconds)], { signal, timeout: (seconds + 60) * 1000 });
  const results = await Promise.all((await connections).map(wait));
  if (results.some(({ code }) => code !== 0)) throw waitedTooLong(error);
}

function waitedTooLong({ details }: ColdtivateError): ColdtivateError {
  return new ColdtivateError("others have deployed for an hour", {
    code: "WAITED_TOO_LONG",
    exit: "refused",
    details,
    hint: "See what keeps them, or run the same command again to go on waiting.",
  });
}
