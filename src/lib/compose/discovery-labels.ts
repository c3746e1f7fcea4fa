import type { ComposeService } from "./model.ts";

/**
 * Prefixes of labels by which other programs find containers: proxies, dashboards and collectors that ask the engine. Only the
 * front has these labels. Otherwise two slots would compete for one router, and requests would reach a slot that does not serve.
 */
const prefixes = [
  "traefik.",
  "caddy.",
  "prometheus.",
  "prometheus/",
  "prometheus-",
  "prometheus_",
  "com.github.nginx-proxy.",
  "com.github.jrcs.letsencrypt",
  "easyhaproxy.",
  "haproxy.",
  "proxy.",
  "tsdproxy.",
  "docktail.",
  "sozune.",
  "yarp.",
  "ingress.",
  "coredns.dockerdiscovery.",
  "kop.",
  "cloudflare.tunnel.",
  "dockflare.",
  "pangolin.",
  "com.dnsdock.",
  "swag_",
  "homepage.",
  "kuma.",
  "flame.",
  "glance.",
];

/** `caddy`, `caddy_0`, `caddy_1.reverse_proxy`. */
const numbered = /^caddy(?:_\d+)?(?:\.|$)/;

/** Variables that make nginx-proxy and its companions find a container. */
const triggers = new Set(["VIRTUAL_HOST", "VIRTUAL_HOST_MULTIPORTS", "LETSENCRYPT_HOST", "ACME_HOST", "LETSENCRYPT_TEST"]);

/**
 * Variables with more details for them. On a container that is not found they have no effect, and the service itself may read
 * them.
 */
const details =
  /^(?:VIRTUAL_(?:PORT|PROTO|PATH|DEST|ROOT)|(?:LETSENCRYPT|ACME)_.+|NETWORK_ACCESS|HTTPS_METHOD|SSL_POLICY|CERT_NAME|HSTS|NON_GET_REDIRECT|ENABLE_HTTP_ON_MISSING_CERT|ENABLE_HTTP[23]|SERVER_TOKENS)$/;

export interface Discovery {
  labels: Record<string, string>;
  environment: Record<string, string | null>;
}

/** The labels and variables by which others find a service. */
export function discoveryOf({ labels = {}, environment = {} }: ComposeService): Discovery {
  const isFound = Object.keys(environment).some((name) => triggers.has(name));
  return {
    labels: pick(labels, isDiscoveryLabel),
    environment: isFound ? pick(environment, (name) => triggers.has(name) || details.test(name)) : {},
  };
}

/** The labels and environment of a container that others must not find. */
export function hidden({ labels, environment }: ComposeService): Pick<ComposeService, "labels" | "environment"> {
  // Unless it is told otherwise, Traefik takes every container for a service.
  const silence = Object.keys(labels ?? {}).some((name) => name.toLowerCase().startsWith("traefik.")) ? { "traefik.enable": "false" } : {};
  return {
    ...(labels === undefined ? {} : { labels: { ...pick(labels, (name) => !isDiscoveryLabel(name)), ...silence } }),
    ...(environment === undefined ? {} : { environment: pick(environment, (name) => !triggers.has(name)) }),
  };
}

export function isDiscovered(service: ComposeService): boolean {
  const { labels, environment } = discoveryOf(service);
  return Object.keys(labels).length + Object.keys(environment).length > 0;
}

/** Labels for dashboards and collectors. They say nothing about where requests go. */
const observers = /^(?:prometheus|homepage\.|kuma\.|flame\.|glance\.|coredns\.)/;

/** Ports to which proxies that find a service send requests, by its labels. */
export function routedPorts(service: ComposeService): number[] {
  return discoveryPorts({ ...service, labels: pick(service.labels ?? {}, (name) => !observers.test(name.toLowerCase())) });
}

/** Ports at which others are told to reach a service that they find. The front has to pass them on. */
export function discoveryPorts(service: ComposeService): number[] {
  const { labels, environment } = discoveryOf(service);
  const named = Object.entries(labels).flatMap(([name, value]) => {
    if (isUdp(name) || name.toLowerCase().includes(".middlewares.")) return [];
    if (/(?:^|[._/-])(?:container_?|server\.|host)?port$/i.test(name)) return [value];
    return [...value.matchAll(/\{\{\s*upstreams\s+(?:\w+\s+)?(\d+)\s*\}\}/g)].map(([, port]) => port);
  });
  const virtual = environment["VIRTUAL_PORT"];
  const several = [...(environment["VIRTUAL_HOST_MULTIPORTS"] ?? "").matchAll(/\bport["']?\s*:\s*["']?(\d+)/g)].map(([, port]) => port);
  const ports = [...named, virtual, ...several].map((port) => Number(port));
  return [...new Set(ports.filter((port) => Number.isInteger(port) && port > 0 && port < 65_536))].toSorted((a, b) => a - b);
}

/** Whether others find a service by what it takes over UDP, which a front does not pass on. */
export function isFoundByUdp({ labels = {} }: ComposeService): boolean {
  return Object.keys(labels).some(isUdp);
}

function isUdp(label: string): boolean {
  return label.toLowerCase().startsWith("traefik.udp.");
}

function isDiscoveryLabel(name: string): boolean {
  const plain = name.toLowerCase();
  return plain === "prometheus" || plain === "swag" || numbered.test(plain) || prefixes.some((prefix) => plain.startsWith(prefix));
}

function pick<T>(record: Readonly<Record<string, T>>, isWanted: (name: string) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => isWanted(name)));
}
