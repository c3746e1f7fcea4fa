import type { PortMode, ServiceConfig } from "../config/config.ts";
import type { ComposeService } from "./model.ts";

/** A port that a front listens on, and passes on to the same port of the slot. */
export interface FrontPort {
  port: number;
  /** `auto`: requests are passed on where the new container answers one in HTTP, connections otherwise. */
  mode: PortMode | "auto";
  /** Whether the slot is told the client's address by the PROXY protocol. */
  proxyProtocol: boolean;
}

export interface KnownPorts {
  ports: FrontPort[];
  /** How they are known, in the user's words: `port 8000, from its health check`. */
  reason: string;
}

/** Ports whose protocol is not HTTP wherever they are used by their name. */
const otherProtocols = new Set([
  22, 25, 53, 110, 143, 389, 443, 465, 587, 636, 993, 995, 1883, 3306, 5432, 5672, 6379, 8443, 8883, 9092, 11_211, 27_017,
]);

/**
 * The ports at which a service takes requests: all that are configured, published or exposed; where there are none, the one
 * that its health check asks.
 */
export function findPorts(service: ComposeService, config: ServiceConfig = {}): KnownPorts {
  const checked = checkedPort(service);
  const published = (service.ports ?? []).filter(({ protocol }) => protocol !== "udp").map(({ target }) => target);
  const exposed = (service.expose ?? []).flatMap(exposedPorts);
  const sources = [
    { from: "set in coldtivate.yml", found: (config.ports ?? []).map(({ port }) => port) },
    { from: "published", found: published },
    { from: "exposed", found: exposed },
    { from: "from its health check", found: checked === undefined ? [] : [checked.port] },
  ];
  const first = sources.find(({ found }) => found.length > 0);
  if (first === undefined) return { ports: [], reason: "no port is known" };
  const declared = sources.slice(0, 3).flatMap(({ found }) => found);
  const numbers = [...new Set([...first.found, ...declared])].toSorted((a, b) => a - b);
  const ports = numbers.map((port): FrontPort => {
    const own = config.ports?.find((written) => written.port === port);
    const isOther = otherProtocols.has(port) || (checked?.port === port && checked.isTls);
    return {
      port,
      mode: own?.mode ?? config.mode ?? (isOther ? "tcp" : "http"),
      proxyProtocol: own?.proxyProtocol ?? config.proxyProtocol ?? false,
    };
  });
  return { ports, reason: `port${numbers.length === 1 ? "" : "s"} ${listed(numbers)}, ${first.from}` };
}

/** Published UDP ports: a front cannot take them. */
export function udpPorts(service: ComposeService): number[] {
  return (service.ports ?? []).filter(({ protocol }) => protocol === "udp").map(({ target }) => target);
}

function checkedPort({ healthcheck }: ComposeService): { port: number; isTls: boolean } | undefined {
  if (healthcheck?.disable === true) return undefined;
  const [, tls, port] =
    /\bhttp(s?):\/\/(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])(?::(\d{1,5}))?(?=[/?#\s"'|;]|$)/.exec(
      (healthcheck?.test ?? []).join(" "),
    ) ?? [];
  if (tls === undefined) return undefined;
  return { port: port === undefined ? (tls === "" ? 80 : 443) : Number(port), isTls: tls !== "" };
}

/** `8000`, `8000/tcp`, `8000-8003`. */
function exposedPorts(written: string): number[] {
  const [, from, to, protocol] = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(written) ?? [];
  if (from === undefined || protocol === "udp") return [];
  const first = Number(from);
  return Array.from({ length: Number(to ?? from) - first + 1 }, (_, index) => first + index);
}

/** `80`, `80 and 443`, `8000–8009`. */
function listed(numbers: readonly number[]): string {
  const [first = 0, last = 0] = [numbers[0], numbers.at(-1)];
  if (numbers.length > 2 && last - first === numbers.length - 1) return `${first}–${last}`;
  return numbers.length < 2 ? String(first) : `${numbers.slice(0, -1).join(", ")} and ${last}`;
}
