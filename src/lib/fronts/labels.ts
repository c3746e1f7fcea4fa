/** Labels on every container of a release; `docker ps --filter label=…` finds them. */
export const labels = {
  /** Digest of the definition that the container was created from. */
  definition: "coldtivate.definition",
  /** The state directory that it belongs to. Two people with two home directories on one host must not create two states. */
  state: "coldtivate.state",
} as const;
