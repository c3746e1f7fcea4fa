import { shortCommit } from "../git/slug.ts";

/** The actions that have hooks. */
export type Action = "build" | "deploy" | "rollback";

/** The facts that hooks and chat messages get. */
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

/** How the action ended. */
export interface HookOutcome {
  outcome: "done" | "failed";
  milliseconds: number;
  /** Why it failed, and what to do about it, one line each. */
  error?: string;
}

/** The variables that a hook gets, in addition to those of the process. */
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

/** A chat message: the text for people, and the facts as separate fields. */
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
