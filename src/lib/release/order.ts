import type { ComposeService } from "./model.ts";

/** The services that a service names, by `depends_on` or `links`. */
export function dependencies(service: ComposeService): string[] {
  const linked = (service.links ?? []).map((link) => link.split(":", 1)[0] ?? link);
  return [...new Set([...Object.keys(service.depends_on ?? {}), ...linked])];
}

/**
 * The names in levels: each level depends only on earlier ones, so that the services of one level can start together.
 * Dependencies outside `names` are ignored, and a circle ends up in one level.
 */
export function levels(services: Record<string, ComposeService>, names: readonly string[]): string[][] {
  const waiting = new Map(names.map((name) => [name, dependencies(services[name] ?? {}).filter((other) => names.includes(other))]));
  const result: string[][] = [];
  while (waiting.size > 0) {
    const ready = [...waiting].filter(([, needs]) => !needs.some((need) => waiting.has(need))).map(([name]) => name);
    const level = ready.length > 0 ? ready : [...waiting.keys()];
    for (const name of level) waiting.delete(name);
    result.push(level.toSorted());
  }
  return result;
}
