import { ColdtivateError, exitCodes } from "./errors.ts";
import type { Interruption } from "./interruption.ts";

/** What the user wants of a release that hosts are at work on. */
export interface DeployControl {
  /** Aborts when they are to undo it. */
  abort: AbortSignal;
  /** Aborts when they are to be left alone with it; its reason is a ColdtivateError with exit `interrupted`. */
  detach: AbortSignal;
  /** Whether hosts that are left alone now take everything back; they go on, unless it is set. */
  isUndoneAlone?: () => boolean;
}

export type InterruptChoice = "detach" | "abort" | "go on";

/** Asks what to do, without waiting; whoever disposes of the question takes it back. */
export type Ask = (onWish: (wish: InterruptChoice) => void, isUndoneAlone: boolean) => Disposable;

/**
 * Turns signals into wishes: SIGINT asks, where there is anybody to ask, and a second one detaches, as all others do.
 * Once detached, a signal ends the process at once.
 *
 * @param ask undefined without a terminal
 */
export function takeControl(interruption: Interruption, ask: Ask | undefined): DeployControl & Disposable {
  const abort = new AbortController();
  const detach = new AbortController();
  const control: DeployControl = { abort: abort.signal, detach: detach.signal };
  let question: Disposable | undefined;
  const takeBack = () => {
    question?.[Symbol.dispose]();
    question = undefined;
  };
  const leave = () => detach.abort(new ColdtivateError("detached", { code: "DETACHED", exit: "interrupted" }));
  const diverted = interruption.divert((name) => {
    if (detach.signal.aborted) process.exit(exitCodes.interrupted.code);
    if (name !== "SIGINT" || ask === undefined || question !== undefined || abort.signal.aborted) {
      takeBack();
      return leave();
    }
    const onWish = (wish: InterruptChoice) => {
      takeBack();
      if (wish === "detach") leave();
      if (wish === "abort") abort.abort();
    };
    question = ask(onWish, control.isUndoneAlone?.() ?? false);
  });
  return Object.assign(control, {
    [Symbol.dispose]() {
      takeBack();
      diverted[Symbol.dispose]();
    },
  });
}
