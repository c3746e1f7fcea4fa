import { targetOf } from "./links.ts";
import type { ComposeService } from "./model.ts";
import { sharedBy } from "./sharing.ts";

/** The services that a service names, by `depends_on` or `links`, or whose container it shares. */
export function dependencies(service: ComposeService): string[] {
  return [...new Set([...Object.keys(service.depends_on ?? {}), ...(service.links ?? []).map(targetOf), ...sharedBy(service)])];
}

/**
 * The names in levels: each level depends only on earlier ones, so that the services of one level can start together.
 * Dependencies outside `names` are ignored, and a circle ends up in one level. What shares a container is in one level with
 * it, behind it.
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

/** By service: one that stands for all that share a container with it; itself where none does. */
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

/** Over how many others a service shares a container. */
function depth(services: Record<string, ComposeService>, name: string, seen: readonly string[] = []): number {
  if (seen.includes(name)) return 0;
  return Math.max(0, ...sharedBy(services[name] ?? {}).map((target) => 1 + depth(services, target, [...seen, name])));
}
