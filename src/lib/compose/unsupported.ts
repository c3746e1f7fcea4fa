import { ColdtivateError } from "../errors.ts";
import { replicas, type ComposeModel, type ComposeService, type ComposeSource } from "./model.ts";
import { dependencies } from "./order.ts";

/**
 * Refuses what would fail or get lost only after a release has begun on a host.
 *
 * @param names the services that are part of the release
 * @throws ColdtivateError COMPOSE_UNSUPPORTED that names every service and attribute
 */
export function checkSupported(model: ComposeModel, names: readonly string[]): void {
  const found = names.flatMap((name) => {
    const service = model.services[name] ?? {};
    return [...unsupported(service, model), ...hiddenNeeds(service, model, names)].map((what) => `services.${name}.${what}`);
  });
  if (found.length === 0) return;
  throw new ColdtivateError("the Compose files ask for what cannot be deployed", {
    code: "COMPOSE_UNSUPPORTED",
    exit: "usage",
    details: found,
    hint: "Write it in another way, as said above, or take the service out of the release by a profile.",
  });
}

/** Hidden services that another service requires. Compose refuses to start that service, too. */
function hiddenNeeds(service: ComposeService, { services }: ComposeModel, names: readonly string[]): string[] {
  return dependencies(service).flatMap((other) => {
    const { profiles = [] } = services[other] ?? {};
    if (names.includes(other) || profiles.length === 0 || service.depends_on?.[other]?.required === false) return [];
    if (replicas(services[other] ?? {}) === 0) return [];
    const instead = "set COMPOSE_PROFILES in the dotenv, or write `required: false` under its depends_on";
    return [`depends_on: ${other} is hidden by its profile${profiles.length === 1 ? "" : "s"} ${profiles.join(", ")}; ${instead}`];
  });
}

function unsupported(service: ComposeService, { configs = {}, secrets = {} }: ComposeModel): string[] {
  const { pre_start: hooks, provider, volumes = [] } = service;
  return [
    ...(provider === undefined ? [] : ["provider: a service without containers is not started here; start it outside of the release"]),
    ...(hasItems(hooks)
      ? ["pre_start: it would run again when a release is undone; make it a task, or a service that others wait for"]
      : []),
    ...volumes
      .filter(({ type }) => type === "image")
      .map(({ target }) => `volumes: ${target} is an image's content, which is not pinned; copy it into the service's own image`),
    ...(service.configs ?? []).flatMap(({ source }) => sourceFaults("configs", source, configs[source])),
    ...(service.secrets ?? []).flatMap(({ source }) => sourceFaults("secrets", source, secrets[source])),
  ];
}

/** Compose refuses these, too, but only when it creates the container. */
function sourceFaults(kind: string, name: string, source: ComposeSource | undefined): string[] {
  const { external, driver, template_driver: templates } = source ?? {};
  const instead = "give it a `file`, `content` or `environment`";
  return [
    ...(external === true ? [`${kind}: ${name} is external, which only Docker Swarm has; ${instead}`] : []),
    ...(driver === undefined ? [] : [`${kind}: ${name} has a driver, which only Docker Swarm has; ${instead}`]),
    ...(templates === undefined ? [] : [`${kind}: ${name} has a template_driver, which only Docker Swarm has; ${instead}`]),
  ];
}

function hasItems(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0;
}
