import type { Allowed } from "./compare.ts";

/** The differences that are meant; docs/compose.md has them for people. */
export const allowed: readonly Allowed[] = [
  { at: /: (?:environment|config Env) COLDTIVATE_SLOT$/, reason: "a slot knows which one it is" },
  {
    at: /: host RestartPolicy (?:Name|MaximumRetryCount)$/,
    reason: "what served before a crash of the engine serves after it",
    when: ({ ours }) => ours === "always",
  },
  {
    at: /^(?:health|several|slots) .*: network ports (?:http|api|web|held):900[01]$/,
    reason: "a front does not pass on ports that nothing declares or mentions; the plan says so",
  },
];
