import type { DrainSignal, FrontConfig, PortConfig, ServiceConfig } from "./schema/config.ts";
import { defined } from "../common/plain.ts";
import type { Written } from "./schema/schema.ts";

type WrittenService = NonNullable<Written["services"]>[string];

/**
 * An LTS branch: a later branch may refuse a configuration that this one accepts. The image is pinned by its digest on first use.
 */
const frontImage = "haproxy:3.2-alpine";

const signalWait = 4000;

export function resolveService(written: WrittenService): ServiceConfig {
  const { rollout, mode, drain } = written;
  const ports = [...(written.port === undefined ? [] : [written.port]), ...(written.ports ?? [])].map(resolvePort);
  return defined({
    rollout,
    mode,
    drain,
    ports: ports.length === 0 ? undefined : ports.filter((port) => port !== undefined),
    healthyWithin: written.healthy_within,
    drainSignal: resolveSignal(written.drain_signal),
    proxyProtocol: written.proxy_protocol,
    trustedProxies: written.trusted_proxies?.filter((proxy) => proxy !== undefined),
    headers: written.headers?.filter((header) => header !== undefined),
    requestTimeout: written.request_timeout,
    holdLimit: written.hold_limit,
    data: written.data?.filter((path) => path !== undefined),
    content: written.content?.filter((path) => path !== undefined),
  });
}

export function resolveFront(written: Written["front"]): FrontConfig {
  return { image: written?.image ?? frontImage, ...defined({ memory: written?.memory }) };
}

function resolvePort(written: NonNullable<WrittenService["ports"]>[number]): PortConfig | undefined {
  const { port, mode, proxy_protocol: proxyProtocol } = typeof written === "object" ? written : { port: written };
  return port === undefined ? undefined : { port, ...defined({ mode, proxyProtocol }) };
}

function resolveSignal(written: WrittenService["drain_signal"]): DrainSignal | undefined {
  if (written === undefined) return undefined;
  const wait = written.wait ?? signalWait;
  if ("command" in written) return { signal: { command: written.command }, wait };
  return written.file === undefined ? undefined : { signal: { file: written.file }, wait };
}
