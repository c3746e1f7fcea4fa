import { targetOf } from "./links.ts";
import type { ComposeService } from "./model.ts";
import { sharedBy } from "./sharing.ts";

/** The services that a service refers to by `depends_on` or `links`, or whose container it shares. */
export function dependencies(service: ComposeService): string[] {
  return [...new Set([...Object.keys(service.depends_on ?? {}), ...(service.links ?? []).map(targetOf), ...sharedBy(service)])];
}

/**
 * Sorts the names into levels. Each level depends only on earlier ones, so the services of one level can start together.
 * Dependencies outside `names` are ignored, and a cycle ends up in one level. A service that shares a container is in the same
 * level, after the service that owns it.
 */
export function levels(services: Record<string, ComposeService>, names: readonly string[]): string[][] {
  const groupOf = sharers(services, names);
  const groups = Map.groupBy(names, groupOf);
  const waiting = new Map(
    [...groups].map(([group, members]) => {
      const needs = members.flatMap((name) => dependencies(services[name] ?? {}).filter((other) => names.includes(other)));
      return [group, [...new Set(needs.map(groupOf))].filter((other) => other !== group)];
    }),
  );
  const result: string[][] = [];
  while (waiting.size > 0) {
    const ready = [...waiting].filter(([, needs]) => !needs.some((need) => waiting.has(need))).map(([group]) => group);
    const level = ready.length > 0 ? ready : [...waiting.keys()];
    for (const group of level) waiting.delete(group);
    result.push(
      level
        .toSorted()
        .flatMap(
          (group) =>
            groups.get(group)?.toSorted((one, other) => depth(services, one) - depth(services, other) || (one < other ? -1 : 1)) ?? [],
        ),
    );
  }
  return result;
}

/** Maps each service to one representative of all services that share a container with it. Without any, it maps to itself. */
export function sharers(services: Record<string, ComposeService>, names: readonly string[]): (name: string) => string {
  const roots = new Map<string, string>();
  const find = (name: string): string => {
    const root = roots.get(name);
    if (root === undefined || root === name) return name;
    return find(root);
  };
  for (const name of names) {
    for (const target of sharedBy(services[name] ?? {})) {
      const [one, other] = [find(name), find(target)];
      if (names.includes(target) && one !== other) roots.set(one, other);
    }
  }
  return find;
}

/** How long the chain of services is over which a service shares a container. */
function depth(services: Record<string, ComposeService>, name: string, seen: readonly string[] = []): number {
  if (seen.includes(name)) return 0;
  return Math.max(0, ...sharedBy(services[name] ?? {}).map((target) => 1 + depth(services, target, [...seen, name])));
}
