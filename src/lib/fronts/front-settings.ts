import type { ServiceConfig } from "../config/schema/config.ts";
import type { FrontSettings } from "./front-config.ts";
import { replicas, type ComposeModel, type ComposeService } from "../compose/model.ts";
import type { ServiceRollout } from "./rollout.ts";

/** How long connections may go on after a switch, in milliseconds, unless the configuration says otherwise. */
export const drainLimit = 30_000;

/** How long a held request may wait, in milliseconds, unless the configuration says otherwise. */
export const holdLimit = 60_000;

/**
 * How long a service may take to respond to a request without sending anything, in milliseconds, unless the configuration says
 * otherwise.
 */
const requestTimeout = 600_000;

/** The settings of a service's front. */
export function frontSettings(service: ComposeService, rollout: ServiceRollout, config: ServiceConfig, model: ComposeModel): FrontSettings {
  return {
    ports: rollout.ports,
    containers: replicas(service),
    drain: config.drain ?? drainLimit,
    requestTimeout: config.requestTimeout ?? requestTimeout,
    ...(rollout.rollout === "hold" ? { holdLimit: config.holdLimit ?? holdLimit } : {}),
    openPorts: openPorts(service),
    trustedProxies: config.trustedProxies ?? [],
    headers: config.headers ?? [],
    ipv6: Object.keys(service.networks ?? {}).some((name) => hasIpv6(model.networks?.[name])),
  };
}

/** The ports that are published beyond the host itself. */
function openPorts({ ports = [] }: ComposeService): number[] {
  const open = ports.filter(({ host_ip: address, protocol }) => protocol !== "udp" && !isLoopback(address));
  return [...new Set(open.map(({ target }) => target))];
}

/** 127.0.0.0/8 and ::1, including IPv4 addresses written as IPv6. */
function isLoopback(address = ""): boolean {
  const plain = address.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  return plain === "localhost" || /^(?:::ffff:)?127(?:\.\d{1,3}){1,3}$/.test(plain) || /^(?:0*:){2,7}0*1$/.test(plain);
}

function hasIpv6(network: unknown): boolean {
  return typeof network === "object" && network !== null && "enable_ipv6" in network && network.enable_ipv6 === true;
}
