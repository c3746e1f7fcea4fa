import { shortCommit } from "../git/slug.ts";

/** What hooks are for. */
export type Action = "build" | "deploy" | "rollback";

/** What a hook, and a chat, is told of. */
export interface HookEvent {
  action: Action;
  environment?: string;
  release?: string;
  /** 40 characters. */
  commit: string;
  /** Tag or branch. */
  ref?: string;
  /** Who does it, and from where. */
  by: string;
  /** The images or services that change. */
  changed: readonly string[];
  hosts: readonly string[];
}

/** How it came to its end. */
export interface HookOutcome {
  outcome: "done" | "failed";
  milliseconds: number;
  /** Why it failed, and what is to be done, a line each. */
  error?: string;
}

/** The variables that a hook gets, beside those of the process. */
export function hookVariables(occasion: HookEvent, ending?: HookOutcome): Record<string, string> {
  return {
    COLDTIVATE_ACTION: occasion.action,
    COLDTIVATE_ENVIRONMENT: occasion.environment ?? "",
    COLDTIVATE_RELEASE: occasion.release ?? "",
    COLDTIVATE_COMMIT: occasion.commit,
    COLDTIVATE_REF: occasion.ref ?? "",
    COLDTIVATE_BY: occasion.by,
    COLDTIVATE_CHANGED: occasion.changed.join(" "),
    COLDTIVATE_HOSTS: occasion.hosts.join(" "),
    COLDTIVATE_OUTCOME: ending?.outcome ?? "",
    COLDTIVATE_ERROR: ending?.error ?? "",
  };
}

/** What a chat is told: the text as people read it, and the facts beside it. */
export function chatMessage(occasion: HookEvent, ending: HookOutcome): Record<string, unknown> {
  const { action, environment = "", ref, commit, by, changed } = occasion;
  const what = ref === undefined ? shortCommit(commit) : `${ref} (${shortCommit(commit)})`;
  const seconds = Math.round(ending.milliseconds / 1000);
  const text =
    ending.outcome === "done"
      ? `✓ ${environment} serves ${what}: ${action} by ${by} in ${seconds} s. Changed: ${changed.join(", ") || "nothing"}.`
      : `✗ ${environment}: the ${action} of ${what} by ${by} failed after ${seconds} s.\n${ending.error ?? ""}`;
  return { text: text.trim(), ...occasion, ...ending };
}
