import { shortDigest } from "../plan/steps/differences.ts";
import { formatDuration } from "../report/duration.ts";
import { formatTable } from "../report/table.ts";
import { areAlike, type HostStatus, type ServiceStatus } from "./host-status.ts";

/**
 * Formats the state of an environment for people: each host's release, and one line per container.
 * @param now to compute how long the release has served
 */
export function formatStatus(environment: string, hosts: readonly HostStatus[], now: Date): string {
  const differ = `! The hosts serve different releases. To make them serve one: coldtivate recover ${environment}`;
  return [...(areAlike(hosts) ? [] : [differ]), ...hosts.map((host) => formatHost(environment, host, now))].join("\n\n");
}

function formatHost(environment: string, host: HostStatus, now: Date): string {
  const hasSlots = host.services.some(({ slot }) => slot !== undefined);
  const rows = host.services.map((service) => [
    service.service,
    ...(hasSlots ? [service.slot ?? ""] : []),
    stateOf(service),
    service.status,
    imageOf(service),
    service.commit?.slice(0, 8) ?? "",
  ]);
  const table =
    rows.length === 0
      ? "  nothing runs"
      : formatTable(["service", ...(hasSlots ? ["slot"] : []), "state", "container", "image", "commit"], rows);
  const busy = host.busy === "" ? [] : host.busy.split("\n").map((line) => `! ${line}`);
  return [`${environment} on ${host.host}: ${releaseOf(host, now)}`, ...busy, table].join("\n");
}

function releaseOf({ release }: HostStatus, now: Date): string {
  if (release === undefined) return "no release of coldtivate";
  const ref = release.ref === undefined ? "" : ` (${release.ref})`;
  const since =
    release.since === undefined
      ? ""
      : `, since ${release.since.slice(0, 19).replace("T", " ")} UTC (${formatDuration(Math.max(0, now.getTime() - Date.parse(release.since)))})`;
  return `release ${release.id}, commit ${release.commit.slice(0, 8)}${ref}${since}`;
}

function stateOf({ state, health, current }: ServiceStatus): string {
  const word = state === "running" ? (health ?? "running") : state;
  return current || state === "missing" ? word : `${word}, of another release`;
}

function imageOf({ image }: ServiceStatus): string {
  const name = image.split("@", 1)[0]?.split("/").at(-1) ?? image;
  return image.includes("@") ? `${name}@${shortDigest(image)}` : name;
}
