import { stagingHost } from "../hosts.ts";
import { startLatencyRelay, type LatencyRelay } from "./latency-relay.ts";
import type { Lane } from "./load.ts";

/** The routes of the example's gateway, by the service that each leads to. */
export const routes = {
  web: "base_api",
  vcca_air_service: "air_api",
  farmer_web: "farmer_api",
  impact_dashboard_web: "impact_api",
  comsol_dt_service: "comsol_dt",
};

/** Milliseconds that a relay adds each way. */
const delay = 40;

/** The gateway's two ports. */
export interface Ports {
  http: number;
  https: number;
}

/** Starts a relay to a gateway on staging, as if a client were far away. */
export function startDistance({ http, https }: Ports): Promise<LatencyRelay> {
  return startLatencyRelay({ host: stagingHost(), ports: [http, https], delay });
}

/** All ways to the gateway: both ports and versions of HTTP, from near and from far, each with the same requests. */
export function gatewayLanes(relay: LatencyRelay, { http, https }: Ports, requests: string[]): Lane[] {
  const near = stagingHost();
  return [
    { name: "80", origin: `http://${near}:${http}`, protocol: "h1", requests },
    { name: "80 from far", origin: `http://127.0.0.1:${relay.portOf(http)}`, protocol: "h1", requests },
    { name: "443 HTTP/1.1", origin: `https://${near}:${https}`, protocol: "h1", requests },
    { name: "443 HTTP/1.1 from far", origin: `https://127.0.0.1:${relay.portOf(https)}`, protocol: "h1", requests },
    { name: "443 HTTP/2", origin: `https://${near}:${https}`, protocol: "h2", requests },
    { name: "443 HTTP/2 from far", origin: `https://127.0.0.1:${relay.portOf(https)}`, protocol: "h2", requests },
  ];
}

/** On every route one client that gets, and one that posts. */
export const shortRequests: string[] = Object.values(routes).flatMap((route) => [`GET /${route}/version`, `POST /${route}/receipt`]);
