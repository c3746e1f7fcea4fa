import { canonical } from "../common/canonical.ts";
import type { ComposeModel, ComposeService } from "./model.ts";
import type { Digest } from "./sources.ts";

/**
 * Digest of a rendered service with everything that it refers to. A different digest means a different container. Order, profiles
 * and the number of containers are left out, because they change no container.
 *
 * @param ties the definitions of services that it is replaced with, by name
 */
export function definitionOf(
  service: ComposeService,
  frame: ComposeModel,
  digest: Digest,
  ties: Readonly<Record<string, string>> = {},
): string {
  const { depends_on: _order, profiles: _profiles, scale: _scale, deploy, ...own } = service;
  const { replicas: _replicas, ...deployed } = deploy ?? {};
  const content = { ...own, ...(Object.keys(deployed).length > 0 ? { deploy: deployed } : {}) };
  return digest(canonical([content, referred(frame, service), ...(Object.keys(ties).length > 0 ? [ties] : [])]));
}

/** The top-level definitions that a service refers to. A change in one of them changes the service. */
function referred(frame: ComposeModel, service: ComposeService): unknown {
  const volumes = (service.volumes ?? []).map((mount) => (mount.type === "volume" ? mount.source : undefined));
  return [
    pick(frame.configs, service.configs?.map(({ source }) => source) ?? []),
    pick(frame.secrets, service.secrets?.map(({ source }) => source) ?? []),
    pick(frame.networks, Object.keys(service.networks ?? {})),
    pick(frame.volumes, volumes),
    ...(service.models === undefined ? [] : [pick(frame.models, Object.keys(service.models))]),
  ];
}

function pick(all: Record<string, unknown> | undefined, names: readonly (string | undefined)[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => name !== undefined).map((name) => [name, all?.[name]]));
}
