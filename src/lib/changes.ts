import type { Exit } from "./errors.ts";

/** Something outside of this process that it is about to change, or has changed. */
export interface Change {
  /** The change was made. */
  done: () => void;
  /** The change was not made: the other side has said so, or the outcome is reported by other means. */
  dropped: () => void;
}

/** The changes that a process has made outside of itself. */
export interface Changes {
  /**
   * Call this before sending the first byte that can change something. A change whose outcome stays unknown counts as made.
   * @param what in the past tense: `pushed`, `removed from the registry`
   * @param subject what was changed, or where
   * @param undoes an earlier change of the same subject that this one takes back
   */
  begin: (what: string, subject: string, undoes?: string) => Change;
  /** One line for each kind of change. Changes with an unknown outcome are marked. Empty if nothing was changed. */
  told: () => string[];
  /** Call this when a command begins and has changed nothing. */
  clear: () => void;
}

/** How many subjects a line names. */
const most = 5;

interface State {
  what: string;
  subject: string;
  /** Attempts whose outcome is unknown. */
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
 * The changes that this process has made. Adapters record them here, and nowhere else. This one list decides whether an error may
 * say that nothing was changed.
 */
export const changes = createChanges();

/**
 * The right exit for an error. The exits `refused` and `usage` mean that nothing was changed, so they do not apply if something
 * was changed before.
 * @param changed the lines from `changes`
 */
export function exitAfter(exit: Exit, changed: readonly string[]): Exit {
  return changed.length > 0 && (exit === "refused" || exit === "usage") ? "failed" : exit;
}
