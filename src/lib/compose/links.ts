import { defaultContainerName, isActive, replicas, type ComposeDependency, type ComposeModel, type ComposeService } from "./model.ts";

export interface LinkFacts {
  model: ComposeModel;
  /** Name of the Compose project. */
  project: string;
  /** Active Compose profiles. */
  profiles: readonly string[];
}

/** The name of a service's first container, from Compose or from the file. It is unique on the host. */
function containerNameOf(name: string, { container_name: own }: ComposeService, project: string): string {
  return own ?? defaultContainerName(project, name);
}

/**
 * Rewrites links so that Docker resolves them anew on each lookup. Compose links to the container that exists when the linking
 * one is created, under its name at that time. Once that container is gone, the link hides everything else of the name. An
 * external link leads to a name instead, and the name to the container that has it by then: plain, front or successor.
 */
export function steadyLinks(service: ComposeService, { model, project, profiles }: LinkFacts): ComposeService {
  const { links, ...rest } = service;
  if (links === undefined || !canLink(service)) return service;
  const steady = links.flatMap((link) => {
    const [target = "", alias = target] = link.split(":", 2);
    const linked = model.services[target];
    if (linked === undefined || !isActive(linked, profiles)) return [];
    const name = containerNameOf(target, linked, project);
    // With several containers, the service's own name finds all of them.
    const aliases = alias === target && replicas(linked) > 1 ? [] : [alias];
    // The names that Compose adds.
    return [...aliases, `${target}-1`, defaultContainerName(project, target)]
      .filter((other) => other !== name)
      .map((other) => `${name}:${other}`);
  });
  const all = [...new Set([...(rest.external_links ?? []), ...steady])];
  return { ...ordered(rest, links), ...(all.length === 0 ? {} : { external_links: all }) };
}

/**
 * Services that Docker's default bridge links to permanently. A container with such a link has to be replaced along with its
 * target.
 */
export function staticLinks({ links, network_mode }: ComposeService): string[] {
  return network_mode === "bridge" ? (links ?? []).map(targetOf) : [];
}

/**
 * Whether a service can have links. One that uses another container's network has no network of its own for them: Docker refuses
 * them and says so.
 */
function canLink({ network_mode }: ComposeService): boolean {
  return network_mode === undefined || network_mode === "bridge" || network_mode === "default";
}

/** Keeps the start order that a link implies. Drops the implied restart that Compose derives from the link. */
function ordered(service: ComposeService, links: readonly string[]): ComposeService {
  const order = links.map(targetOf).map((name): [string, ComposeDependency] => {
    const { restart, ...written }: ComposeDependency = service.depends_on?.[name] ?? { condition: "service_started", required: true };
    const isImplied = (written.condition ?? "service_started") === "service_started";
    return [name, restart === undefined || isImplied ? written : { ...written, restart }];
  });
  return order.length === 0 ? service : { ...service, depends_on: { ...service.depends_on, ...Object.fromEntries(order) } };
}

export function targetOf(link: string): string {
  return link.split(":", 1)[0] ?? link;
}
