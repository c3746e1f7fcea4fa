import { defaultContainerName, isActive, replicas, type ComposeDependency, type ComposeModel, type ComposeService } from "./model.ts";

export interface LinkFacts {
  model: ComposeModel;
  /** Name of the Compose project. */
  project: string;
  /** Active Compose profiles. */
  profiles: readonly string[];
}

/** The name that Compose gives a service's first container, or that the file gives it: nobody else on the host has it. */
function containerNameOf(name: string, { container_name: own }: ComposeService, project: string): string {
  return own ?? defaultContainerName(project, name);
}

/**
 * Links that Docker looks up anew whenever somebody asks. Compose makes a link to the container that is there when the
 * linking one is created, whatever it is called then, and a link whose container is gone hides all else of that name. One
 * that is written as an external link leads to a name, and the name to whichever container has it by then: plain, front or
 * successor.
 */
export function steadyLinks(service: ComposeService, { model, project, profiles }: LinkFacts): ComposeService {
  const { links, ...rest } = service;
  if (links === undefined || !canLink(service)) return service;
  const steady = links.flatMap((link) => {
    const [target = "", alias = target] = link.split(":", 2);
    const linked = model.services[target];
    if (linked === undefined || !isActive(linked, profiles)) return [];
    const name = containerNameOf(target, linked, project);
    // Of several containers the service's own name finds them all.
    const aliases = alias === target && replicas(linked) > 1 ? [] : [alias];
    // What Compose adds.
    return [...aliases, `${target}-1`, defaultContainerName(project, target)]
      .filter((other) => other !== name)
      .map((other) => `${name}:${other}`);
  });
  const all = [...new Set([...(rest.external_links ?? []), ...steady])];
  return { ...ordered(rest, links), ...(all.length === 0 ? {} : { external_links: all }) };
}

/** The services that Docker's oldest network links for good: what links to a container there has to be replaced with it. */
export function staticLinks({ links, network_mode }: ComposeService): string[] {
  return network_mode === "bridge" ? (links ?? []).map(targetOf) : [];
}

/** Who uses another container's network has none of its own to link in; Docker refuses it, and says so. */
function canLink({ network_mode }: ComposeService): boolean {
  return network_mode === undefined || network_mode === "bridge" || network_mode === "default";
}

/** The order that a link asks for stays; the wish to restart that Compose makes of it goes with the link. */
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
