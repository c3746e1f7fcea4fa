import { ColdtivateError, exitCodes } from "./errors.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The user's request to stop. */
export interface Interruption extends Disposable {
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP; its reason is a ColdtivateError with exit `interrupted`. */
  readonly signal: AbortSignal;
  /** Sends signals to the listener only, until the result is disposed of. */
  divert(listener: (name: NodeJS.Signals) => void): Disposable;
}

/** How long cleaning up may take, in milliseconds. It is longer than the ten seconds that a builder gets to end. */
export const cleaningTime = 30_000;

export interface InterruptionListener {
  /** Called with the signal's name at the first signal. */
  onFirst: (name: string) => void;
  /** Called when cleaning up has taken too long. Then the process ends. */
  onLate: () => void;
}

/**
 * Listens for signals. The first one aborts the work, which then cleans up. A second one, or the end of the time for cleaning up,
 * ends the process at once. The process ends whatever the work is waiting for, and whether it listens or not.
 */
export function listenForInterruption({ onFirst, onLate }: InterruptionListener): Interruption {
  const controller = new AbortController();
  let deadline: NodeJS.Timeout | undefined;
  const leave = () => {
    onLate();
    process.exit(exitCodes.interrupted.code);
  };
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted.code);
    controller.abort(new ColdtivateError(`interrupted by ${name}`, { code: "INTERRUPTED", exit: "interrupted" }));
    deadline = setTimeout(leave, cleaningTime).unref();
    onFirst(name);
  };
  let listener = stop;
  const hear = (name: NodeJS.Signals) => listener(name);
  for (const name of signals) process.on(name, hear);
  return {
    signal: controller.signal,
    divert(other) {
      listener = other;
      return { [Symbol.dispose]: () => (listener = stop) };
    },
    [Symbol.dispose]() {
      clearTimeout(deadline);
      for (const name of signals) process.off(name, hear);
    },
  };
}
