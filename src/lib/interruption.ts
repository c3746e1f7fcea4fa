import { ColdtivateError, exitCodes } from "./errors.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The user's wish to stop. */
export interface Interruption extends Disposable {
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP; its reason is a ColdtivateError with exit `interrupted`. */
  readonly signal: AbortSignal;
  /** Signals go to the listener alone, until what this gives is disposed of. */
  divert(listener: (name: NodeJS.Signals) => void): Disposable;
}

/** How long cleaning up may take, in milliseconds: longer than the ten seconds that a builder is given to end. */
export const cleaningTime = 30_000;

export interface InterruptionListener {
  /** Told the signal's name at the first one. */
  onFirst: (name: string) => void;
  /** Told when cleaning up has taken too long; then the process ends. */
  onLate: () => void;
}

/**
 * Listens for signals: the first one aborts the work, which then cleans up; the second one, or the end of the time for that,
 * ends the process at once. Whatever the work waits for, and whether it listens or not, the process ends.
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
