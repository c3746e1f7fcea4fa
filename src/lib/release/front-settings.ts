import type { ServiceConfig } from "../config/config.ts";
import type { FrontSettings } from "./front-config.ts";
import { replicas, type ComposeModel, type ComposeService } from "./model.ts";
import type { ServiceRollout } from "./rollout.ts";

/** How long connections may go on after a switch, in milliseconds, unless the configuration says otherwise. */
export const drainLimit = 30_000;

/** How long a held request may wait, in milliseconds, unless the configuration says otherwise. */
export const holdLimit = 60_000;

/** How long a service may be silent while it works on a request, in milliseconds, unless the configuration says otherwise. */
const requestTimeout = 600_000;

/** What the front of a service is to do. */
export function frontSettings(service: ComposeService, rollout: ServiceRollout, config: ServiceConfig, model: ComposeModel): FrontSettings {
  return {
    ports: rollout.ports,
    containers: replicas(service),
    drain: config.drain ?? drainLimit,
    requestTimeout: config.requestTimeout ?? requestTimeout,
    ...(rollout.rollout === "hold" ? { holdLimit: config.holdLimit ?? holdLimit } : {}),
    isPublished: (service.ports ?? []).length > 0,
    trustedProxies: config.trustedProxies ?? [],
    ipv6: Object.keys(service.networks ?? {}).some((name) => hasIpv6(model.networks?.[name])),
  };
}

function hasIpv6(network: unknown): boolean {
  return typeof network === "object" && network !== null && "enable_ipv6" in network && network.enable_ipv6 === true;
}
