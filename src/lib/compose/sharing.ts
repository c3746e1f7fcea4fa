import { staticLinks, targetOf } from "./links.ts";
import { defaultContainerName, type ComposeModel, type ComposeService } from "./model.ts";

/**
 * The services whose container a service shares: its network, processes, memory, host name or volumes. When they are replaced,
 * the service has to be replaced, too. Otherwise it would keep using those of a container that is gone.
 */
export function sharedBy(service: ComposeService): string[] {
  const { network_mode, ipc, pid, uts, cgroup, volumes_from: from = [] } = service;
  const namespaces = [network_mode, ipc, pid, uts, cgroup].flatMap((mode) =>
    typeof mode === "string" && mode.startsWith("service:") ? [mode.slice("service:".length)] : [],
  );
  return [...new Set([...namespaces, ...from.filter((source) => !source.startsWith("container:")).map(targetOf)])];
}

/**
 * The services that a service is replaced with: those it shares, those its links are fixed to, and those that the file says it
 * restarts with.
 */
export function replacedWith(service: ComposeService): string[] {
  return [...new Set([...sharedBy(service), ...staticLinks(service), ...restartsWith(service)])];
}

/**
 * The services that are replaced with others, for the script. Each line has a service, a tab, and one service that it is replaced
 * with.
 */
export function followersText(services: Readonly<Record<string, ComposeService>>): string {
  return Object.entries(services)
    .flatMap(([name, service]) => replacedWith(service).map((target) => `${name}\t${target}\n`))
    .join("");
}

/**
 * The services that it explicitly restarts with. Compose also writes `restart` for links and for shared containers; those do not
 * count.
 */
export function restartsWith(service: ComposeService): string[] {
  const implied = new Set([...sharedBy(service), ...(service.links ?? []).map(targetOf)]);
  return Object.entries(service.depends_on ?? {}).flatMap(([name, { restart, condition = "service_started" }]) =>
    restart === true && (condition !== "service_started" || !implied.has(name)) ? [name] : [],
  );
}

/** All services that a service is replaced with, directly or indirectly. */
export function tiesOf(name: string, services: Readonly<Record<string, ComposeService>>): string[] {
  const found = new Set<string>();
  const waiting = [name];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const targets = replacedWith(services[next] ?? {}).filter((target) => target !== name && !found.has(target));
    for (const target of targets) found.add(target);
    waiting.push(...targets);
  }
  return [...found].toSorted();
}

/** Rewrites the model: a service that shares a container by the container's name now shares it by the service's name. */
export function byService(model: ComposeModel, project: string): ComposeModel {
  const owners = new Map<string, string>();
  for (const [name, { container_name: own }] of Object.entries(model.services)) {
    owners.set(defaultContainerName(project, name), name);
    if (own !== undefined) owners.set(own, name);
  }
  const rename = (mode: string | undefined, self: string) => {
    const owner = mode?.startsWith("container:") === true ? owners.get(mode.slice("container:".length)) : undefined;
    return owner === undefined || owner === self ? mode : `service:${owner}`;
  };
  const services = Object.entries(model.services).map(([name, service]): [string, ComposeService] => {
    const own = Object.fromEntries(
      (["network_mode", "ipc", "pid"] as const).flatMap((key) => (service[key] === undefined ? [] : [[key, rename(service[key], name)]])),
    );
    const from = service.volumes_from?.map((source) => {
      const [kind, container = "", mode] = source.split(":");
      const owner = kind === "container" ? owners.get(container) : undefined;
      return owner === undefined || owner === name ? source : [owner, ...(mode === undefined ? [] : [mode])].join(":");
    });
    return [name, { ...service, ...own, ...(from === undefined ? {} : { volumes_from: from }) }];
  });
  return { ...model, services: Object.fromEntries(services) };
}
