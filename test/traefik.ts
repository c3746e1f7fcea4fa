/**
 * What Traefik makes of containers, by the rules that it documents for its Docker provider: routers and services by their
 * labels, a service's servers by their address and the label's port or else the lowest exposed one, the same name on several
 * containers only where they say the same of it.
 */

/** A container as the engine shows it. */
export interface FoundContainer {
  name: string;
  labels: Readonly<Record<string, string>>;
  /** `healthy`, `starting`, `unhealthy`; empty without a health check. */
  health: string;
  /** Exposed TCP ports. */
  exposed: readonly number[];
}

export interface Routing {
  /** Rule by router. */
  rules: Record<string, string>;
  /** By router: `container:port` of everything that gets its requests. */
  servers: Record<string, string[]>;
  errors: string[];
}

export function discover(containers: readonly FoundContainer[], defaultRule = (service: string) => `Host(\`${service}\`)`): Routing {
  const routers = new Map<string, Set<string>>();
  const rules: Record<string, string> = {};
  const targets: Record<string, string> = {};
  const services: Record<string, string[]> = {};
  const errors: string[] = [];
  for (const container of containers) {
    if (container.labels["traefik.enable"] === "false" || (container.health !== "" && container.health !== "healthy")) continue;
    const own = `${container.labels["com.docker.compose.service"] ?? container.name}-${container.labels["com.docker.compose.project"] ?? ""}`;
    const defined = named(container.labels, "services");
    const names = defined.size > 0 ? [...defined.keys()] : [own];
    for (const name of names) {
      const port = defined.get(name)?.get("loadbalancer.server.port") ?? container.exposed.toSorted((a, b) => a - b)[0];
      if (port === undefined) errors.push(`service "${name}" error: port is missing`);
      else (services[name] ??= []).push(`${container.name}:${port}`);
    }
    const written = named(container.labels, "routers");
    for (const [router, settings] of written.size > 0 ? written : new Map([[own, new Map<string, string>()]])) {
      const service = settings.get("service") ?? (names.length === 1 ? names[0] : undefined);
      if (service === undefined) errors.push(`router ${router} cannot be linked automatically with multiple services`);
      const definition =
        [...settings]
          .map(([setting, value]) => `${setting}=${value}`)
          .toSorted()
          .join(" ") + ` → ${service}`;
      routers.set(router, new Set([...(routers.get(router) ?? []), definition]));
      rules[router] = settings.get("rule") ?? defaultRule(own);
      targets[router] = service ?? "";
    }
  }
  for (const [router, definitions] of routers) {
    if (definitions.size === 1) continue;
    errors.push(`router defined multiple times with different configurations: ${router}`);
    delete rules[router];
  }
  const servers = Object.fromEntries(Object.keys(rules).map((router) => [router, services[targets[router] ?? ""] ?? []]));
  return { rules, servers, errors };
}

/** Settings by name: `traefik.http.routers.NAME.SETTING`. */
function named(labels: Readonly<Record<string, string>>, kind: "routers" | "services"): Map<string, Map<string, string>> {
  const found = new Map<string, Map<string, string>>();
  for (const [label, value] of Object.entries(labels)) {
    const [, name, setting] = new RegExp(`^traefik\\.http\\.${kind}\\.([^.]+)\\.(.+)$`).exec(label) ?? [];
    if (name === undefined || setting === undefined) continue;
    const settings = found.get(name) ?? new Map<string, string>();
    found.set(name, settings.set(setting, value));
  }
  return found;
}
