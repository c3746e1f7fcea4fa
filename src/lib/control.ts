import { ColdtivateError, exitCodes } from "./errors.ts";
import type { Interruption } from "./interruption.ts";

/** What the user wants to happen to a release that hosts are working on. */
export interface DeployControl {
  /** Aborts when the hosts should undo it. */
  abort: AbortSignal;
  /** Aborts when the user detaches; its reason is a ColdtivateError with exit `interrupted`. */
  detach: AbortSignal;
  /** Whether hosts undo everything if the user detaches now. If not set, they go on. */
  isUndoneAlone?: () => boolean;
}

export type InterruptChoice = "detach" | "abort" | "go on";

/** Asks what to do, without waiting. Disposing of the question takes it back. */
export type Ask = (onWish: (wish: InterruptChoice) => void, isUndoneAlone: boolean) => Disposable;

/**
 * Turns signals into choices. With a terminal, SIGINT asks the user. A second SIGINT, or any other signal, detaches. Once
 * detached, a signal ends the process at once.
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
