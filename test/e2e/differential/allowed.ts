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
    at: /^(?:health|ports|several|slots) .*: network ports (?:http|api|web|held|any|exposed|long):(?:8080|900[01])$/,
    reason: "a front does not pass on ports that nothing declares or mentions; the plan says so",
    when: ({ ours }) => ours === "refused",
  },
];

/** Differences that are bugs, to be mended: an entry that is not needed any more fails the test. */
export const open: readonly Allowed[] = [
  { at: /^include api\.1: (?:environment|config Env) API$/, reason: "an included project's own .env is not read" },
  { at: /^links-in-repository deploy: exit$/, reason: "a mounted symbolic link of the commit is not followed" },
  { at: /^extends deploy: exit$/, reason: "a port that is exposed, and nothing listens on, keeps a service from counting as healthy" },
  { at: /: names (?:linked|slots-staging-web-1|web-1)$/, reason: "a link to a service with a front has no alias" },
  {
    at: /^profiles .*: names profiles-staging-scaled-2$|^several .*: names several-staging-api-2$/,
    reason: "a front lacks its replicas' names",
  },
  {
    at: /: order after (?:web|api)$/,
    reason: "what depends on a service with a front starts before it",
    when: ({ ours }) => ours === "no",
  },
  {
    at: /: network ports (?:web|long|short):9000$/,
    reason: "HTTP is taken for granted",
    when: ({ ours }) => ours?.includes(" 502 ") ?? false,
  },
  {
    at: /^configs .* (?:\/from-variable|\/relative\.txt|\/etc\/app\/absolute|\/run\/secrets\/(?:secret-variable|token))/,
    reason: "what comes from a variable is a mounted file, with the owner and mode of the host's",
  },
  {
    at: /^ports host: 127\.0\.0\.1:81(?:42|47)$/,
    reason: "HTTP is taken for granted at a published port, too",
    when: ({ ours }) => ours?.includes(" 502 ") ?? false,
  },
];
