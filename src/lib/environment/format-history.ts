import type { HistoryEntry } from "../host/history.ts";
import { formatDuration } from "../report/duration.ts";
import { formatTable } from "../report/table.ts";

export interface HostHistory {
  host: string;
  /** The release that serves; empty when none does. */
  current: string;
  /** Newest first. */
  deploys: HistoryEntry[];
}

/** The most services that are named; if there are more, only their number is shown. */
const most = 3;

/** Formats the deploys of an environment for people, one line each, newest first. Hosts with the same deploys share one list. */
export function formatHistory(environment: string, hosts: readonly HostHistory[]): string {
  const told = Map.groupBy(hosts, ({ current, deploys }) =>
    JSON.stringify([current, deploys.map(({ release, outcome }) => [release, outcome])]),
  );
  return [...told.values()]
    .map((same) => {
      const [first] = same;
      const names = same.map(({ host }) => host).join(", ");
      return `${environment} on ${names}\n${first === undefined ? "" : formatDeploys(first)}`;
    })
    .join("\n\n");
}

function formatDeploys({ current, deploys }: HostHistory): string {
  if (deploys.length === 0) return "  nothing was deployed yet";
  const headers = ["", "release", "commit", "of", "when (utc)", "took", "by", "changed", "outcome"];
  return formatTable(
    headers,
    deploys.map((deploy) => row(deploy, current)),
  );
}

function row(deploy: HistoryEntry, current: string): string[] {
  const { release, outcome, began, ended, by, commit, ref, changed, rollback } = deploy;
  return [
    release === current ? "*" : "",
    release,
    commit?.slice(0, 8) ?? "",
    ref ?? "",
    began.slice(0, 19).replace("T", " "),
    // Hosts store whole seconds.
    formatDuration(Math.max(0, Date.parse(ended) - Date.parse(began))).replace(".0 s", " s"),
    by,
    changed.length > most ? `${changed.length} services` : changed.join(", "),
    `${outcome === "finished" ? "served" : outcome}${rollback === undefined ? "" : `, back to ${rollback}`}`,
  ];
}
