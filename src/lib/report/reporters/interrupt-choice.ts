import type { Ask, InterruptChoice } from "../../control.ts";
import type { Reporter } from "../progress.ts";

const keys: Readonly<Record<string, InterruptChoice>> = { d: "detach", a: "abort", c: "go on", "\u0003": "detach" };

const question = (isUndoneAlone: boolean) =>
  `Interrupted. d: detach, the hosts ${isUndoneAlone ? "take it back by themselves" : "go on"}; a: abort, they undo it; c: go on`;

/**
 * Asks on the terminal, below the progress display, which keeps running. Single key presses count. Ctrl-C does not send a signal
 * meanwhile; it detaches.
 */
export function askOnKeys(input: NodeJS.ReadStream, reporter: Reporter): Ask {
  return (onWish, isUndoneAlone) => {
    const listen = (chunk: Buffer) => {
      const wish = Array.from(chunk.toString().toLowerCase(), (key) => keys[key]).find((known) => known !== undefined);
      if (wish === undefined) return;
      if (wish === "abort") reporter.emit({ type: "note", text: "aborting: the hosts are asked to undo it" });
      onWish(wish);
    };
    reporter.emit({ type: "asked", text: question(isUndoneAlone) });
    input.setRawMode(true).on("data", listen).resume();
    return {
      [Symbol.dispose]() {
        input.off("data", listen).pause().setRawMode(false);
        reporter.emit({ type: "answered" });
      },
    };
  };
}
