import { fillIn, mostLookedAt } from "./command-words.ts";
import type { ImageFacts } from "./image-facts.ts";
import type { ComposeService } from "../compose/model.ts";

/** The port that a health check asks in its own container. */
export interface CheckedPort {
  port: number;
  protocol: "http" | "https" | "other";
}

/** Names by which a container always reaches itself, whatever it is called. */
const localHosts =
  "localhost|127\\.\\d+\\.\\d+\\.\\d+|0\\.0\\.0\\.0|\\[::1?\\]|::1|\\$\\{?HOSTNAME\\}?|\\$\\(hostname[^)]*\\)|`hostname[^`]*`";

/** The words of a service's health check, or of its image's if the Compose file has none. Empty if nothing is checked. */
export function checkOf({ healthcheck }: ComposeService, facts: ImageFacts | undefined): string[] {
  if (healthcheck?.disable === true) return [];
  const test = healthcheck?.test?.map((word) => word.replaceAll("$$", "$")) ?? facts?.healthcheck ?? [];
  return test[0] === "NONE" ? [] : test;
}

/** The names under which a service's own containers find it. */
export function ownNames(name: string, { container_name: container, hostname }: ComposeService): string[] {
  return [...new Set([name, container, hostname].filter((own): own is string => own !== undefined && own !== ""))];
}

/**
 * The port that a health check asks, and whether it does so by HTTP, if that can be seen.
 * @param names the service's own names
 */
export function checkedPort(
  test: readonly string[],
  environment: Readonly<Record<string, string>>,
  names: readonly string[] = [],
): CheckedPort | undefined {
  const text = fillIn(test.slice(1).join(" "), environment);
  // A check over a socket has no port, whatever its URL says.
  if (/\s--(?:abstract-)?unix-socket[\s=]/.test(text)) return undefined;
  const here = `(?:${[localHosts, ...names.map(literal)].join("|")})`;
  const end = "(?=[/?#\\s\"'|;,)\\\\]|$)";
  const [, scheme, urlPort] = new RegExp(`\\b(https?)://(?:[^\\s/@"']*@)?${here}(?::(\\d{1,5}))?${end}`, "i").exec(text) ?? [];
  if (scheme !== undefined) {
    const protocol = scheme.toLowerCase() === "https" ? "https" : "http";
    return { port: urlPort === undefined ? (protocol === "https" ? 443 : 80) : Number(urlPort), protocol };
  }
  // These programs treat an address without a scheme as HTTP.
  const isHttp = /(?:^|[\s/"'(])(?:curl|wget|http|httpie|xh)\s/.test(text);
  const [, bare] = new RegExp(`(?:^|[\\s"'=@(])${here}:(\\d{1,5})${end}`).exec(text) ?? [];
  if (bare !== undefined && !/\b(?:grpc|GRPC)/.test(text)) return { port: Number(bare), protocol: isHttp ? "http" : "other" };
  if (isHttp && new RegExp(`[\\s"'](?:${localHosts})(?=[/?\\s"'|;]|$)`).test(text)) return { port: 80, protocol: "http" };
  const [, object] = /\bhttp\.(?:get|request)\(\s*\{[^}]*?port['"]?\s*:\s*['"]?(\d{1,5})/.exec(text) ?? [];
  if (object !== undefined) return { port: Number(object), protocol: "http" };
  const [, plain] =
    new RegExp(`\\bnc\\b[^|;&]*\\s${here}\\s+(\\d{1,5})`).exec(text) ??
    new RegExp(`/dev/tcp/${here}/(\\d{1,5})`).exec(text) ??
    /\bgrpc_health_probe\b[^|;&]*addr[= ]\S*?:(\d{1,5})/.exec(text) ??
    /\b(?:connect|create_connection|Socket)\(+\s*["']?(?:localhost|127\.0\.0\.1)["']?\s*,\s*(\d{1,5})/.exec(text) ??
    [];
  return plain === undefined ? undefined : { port: Number(plain), protocol: "other" };
}

/** The service's own names that its health check uses to ask it. */
export function askedByName(test: readonly string[], names: readonly string[]): string[] {
  const text = test.slice(1).join(" ").slice(0, mostLookedAt);
  return names.filter((name) => {
    const own = literal(name);
    const asURL = new RegExp(`://(?:[^\\s/@"']*@)?${own}(?=[:/?#\\s"'|;,)]|$)`, "i");
    return asURL.test(text) || new RegExp(`(?:^|[\\s"'=@(])${own}:\\d{1,5}\\b|\\bnc\\b[^|;&]*\\s${own}\\s+\\d`, "i").test(text);
  });
}

/** Escapes a name for use in a regular expression. */
export function literal(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
