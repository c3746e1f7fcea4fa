import { ColdtivateError, exitCodes } from "./errors.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The user's wish to stop. */
export interface Interruption extends Disposable {
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP; its reason is a ColdtivateError with exit `interrupted`. */
  readonly signal: AbortSignal;
  /** Signals go to the listener alone, until what this gives is disposed of. */
  divert(listener: (name: NodeJS.Signals) => void): Disposable;
}

/**
 * Listens for signals: the first one aborts the work, which then cleans up; the second one ends the process at once.
 * @param onFirst told the signal's name at the first one
 */
export function listenForInterruption(onFirst: (name: string) => void): Interruption {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted.code);
    controller.abort(new ColdtivateError(`interrupted by ${name}`, { code: "INTERRUPTED", exit: "interrupted" }));
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
      for (const name of signals) process.off(name, hear);
    },
  };
}
