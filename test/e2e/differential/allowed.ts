import type { Allowed } from "../support/differential/compare.ts";

/** The differences that are meant; docs/compose.md has them for people. */
export const allowed: readonly Allowed[] = [
  { at: /: (?:environment|config Env) COLDTIVATE_SLOT$/, reason: "a slot knows which one it is" },
  {
    at: /: host RestartPolicy (?:Name|MaximumRetryCount)$/,
    reason: "what served before a crash of the engine serves after it",
    when: ({ ours }) => ours === "always",
  },
  {
    at: /^(?:health|ports|several|slots) .*: network ports (?:http|api|web|held|any|exposed|long):(?:8080|900[01])$/,
    reason: "a front does not pass on ports that nothing declares or mentions; the plan lists those that it passes on",
    when: ({ ours }) => ours === "refused",
  },
  {
    at: /: config StopTimeout$/,
    reason: "databases get a minute to stop, unless the Compose file says how long",
    when: ({ plain, ours }) => plain === undefined && ours === "60",
  },
  {
    at: /: mounted \S+ Name$/,
    reason: "volumes without a name get one, so that they stay with their service however it is replaced",
    when: ({ plain }) => plain === "<anonymous>",
  },
  {
    at: /: (?:mounted \S+ Mode|options \S+ Type)$/,
    reason: "and are mounted as volumes with a name are",
    when: ({ plain, ours }) => plain === undefined && (ours === "z" || ours === "volume"),
  },
  {
    at: /: order after \S+$/,
    reason:
      "of what serves, slots start beside the old ones, and what others make is replaced first: each finds what it depends on as it serves then",
    when: ({ after, ours }) => after === "replaced" && ours === "no",
  },
  {
    at: /^slots web\.1: (?:hostname|hosts \S+|environment HOSTNAME|config Hostname|names inner\.example\.net)$/,
    reason: "the engine finds containers by their host names, so that a front has it, and no slot",
  },
];

/** Differences that are bugs, to be mended: an entry that is not needed any more fails the test. */
export const open: readonly Allowed[] = [];
