/** Labels on every container of a release; `docker ps --filter label=…` finds them. */
export const labels = {
  /** Digest of the definition that the container was created from. */
  definition: "coldtivate.definition",
  /** The state directory that it belongs to: two people with two homes on one host must not make two states. */
  state: "coldtivate.state",
} as const;
