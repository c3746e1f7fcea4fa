/** What a host came to that was to recover. */
export interface Recovery {
  host: string;
  /** The id of the release that serves; empty when none does. */
  current: string;
  /** What it had left unsettled, in order, and how that ended. */
  settled: { release: string; outcome: string }[];
}

/** What a host's script says when it has recovered. */
export function parseRecovery(host: string, text: string): Recovery {
  const [first = "", ...rest] = text.split("\n").filter((line) => line !== "");
  const [, current = "-"] = first.split("\t");
  return {
    host,
    current: current === "-" ? "" : current,
    settled: rest.map((line) => {
      const [release = "", outcome = ""] = line.split("\t");
      return { release, outcome };
    }),
  };
}

/** The release that all hosts are to serve, the newest that any of them committed, and those that serve another one. */
export function findBehind<Host extends Pick<Recovery, "current">>(hosts: readonly Host[]): { newest: string; behind: Host[] } {
  const newest =
    hosts
      .map(({ current }) => current)
      .toSorted()
      .at(-1) ?? "";
  return { newest, behind: hosts.filter(({ current }) => current !== newest) };
}
