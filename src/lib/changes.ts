import type { Exit } from "./errors.ts";

/** Something in the world that this process is about to change, or has changed. */
export interface Change {
  /** It came about. */
  done: () => void;
  /** It did not: whoever was to do it has said so, or what came of it is told by other means. */
  dropped: () => void;
}

/** What a process has changed outside of itself. */
export interface Changes {
  /**
   * To be called before the first byte leaves that can change something: a change whose end nobody hears of counts as one.
   * @param what in the past tense: `pushed`, `removed from the registry`
   * @param subject what it was done to, or where
   * @param undoes a change of the same subject that is taken back by it
   */
  begin: (what: string, subject: string, undoes?: string) => Change;
  /** A line for each kind of change; those whose end is not known are marked as such. None: nothing was changed. */
  told: () => string[];
  /** A command begins, and has changed nothing. */
  clear: () => void;
}

/** How many subjects a line names. */
const most = 5;

interface State {
  what: string;
  subject: string;
  /** Attempts whose end is not known. */
  open: number;
  isDone: boolean;
}

/** @returns an empty list of changes */
export function createChanges(): Changes {
  const states = new Map<string, State>();

  const begin: Changes["begin"] = (what, subject, undoes) => {
    const key = keyOf(what, subject);
    const state = states.get(key) ?? { what, subject, open: 0, isDone: false };
    states.set(key, state);
    state.open++;
    const end = (isDone: boolean) => {
      state.open--;
      if (isDone) state.isDone = true;
      const isUndone = isDone && undoes !== undefined && states.delete(keyOf(undoes, subject));
      if (isUndone || (state.open === 0 && !state.isDone)) states.delete(key);
    };
    return { done: () => end(true), dropped: () => end(false) };
  };

  const told = () => {
    const lines = new Map<string, string[]>();
    for (const { what, subject, isDone } of states.values()) {
      const kind = isDone ? what : `perhaps ${what}, which nobody has confirmed`;
      lines.set(kind, [...(lines.get(kind) ?? []), subject]);
    }
    return [...lines].map(([kind, subjects]) => `${kind}: ${some(subjects)}`);
  };

  return { begin, told, clear: () => states.clear() };
}

function keyOf(what: string, subject: string): string {
  return `${what}\n${subject}`;
}

function some(subjects: readonly string[]): string {
  const more = subjects.length - most;
  return more > 0 ? `${subjects.slice(0, most).join(", ")} and ${more} more` : subjects.join(", ");
}

/**
 * What this process has changed. Adapters note it here, and nowhere else; whether an error may say that nothing was changed is decided
 * by it, in one place.
 */
export const changes = createChanges();

/**
 * The exit that is right for an error: a refusal, or a mistake in the configuration, has changed nothing, so that it is none where
 * something was changed before it.
 * @param changed what `changes` tells
 */
export function exitAfter(exit: Exit, changed: readonly string[]): Exit {
  return changed.length > 0 && (exit === "refused" || exit === "usage") ? "failed" : exit;
}
