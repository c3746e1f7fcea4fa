import { fillIn } from "./command-words.ts";
import type { ImageFacts } from "./image-facts.ts";
import type { ComposeService } from "./model.ts";

/** What a health check asks in its own container. */
export interface CheckedPort {
  port: number;
  protocol: "http" | "https" | "other";
}

const here = "(?:localhost|127\\.\\d+\\.\\d+\\.\\d+|0\\.0\\.0\\.0|\\[::1?\\]|::1)";

/** The words of a service's health check, its image's where the Compose file has none; empty where nothing is checked. */
export function checkOf({ healthcheck }: ComposeService, facts: ImageFacts | undefined): string[] {
  if (healthcheck?.disable === true) return [];
  const test = healthcheck?.test?.map((word) => word.replaceAll("$$", "$")) ?? facts?.healthcheck ?? [];
  return test[0] === "NONE" ? [] : test;
}

/** The port that a health check asks: by HTTP where that can be seen. */
export function checkedPort(test: readonly string[], environment: Readonly<Record<string, string>>): CheckedPort | undefined {
  const text = fillIn(test.slice(1).join(" "), environment);
  const end = "(?=[/?#\\s\"'|;,)\\\\]|$)";
  const [, scheme, urlPort] = new RegExp(`\\b(https?)://(?:[^\\s/@"']*@)?${here}(?::(\\d{1,5}))?${end}`, "i").exec(text) ?? [];
  if (scheme !== undefined) {
    const protocol = scheme.toLowerCase() === "https" ? "https" : "http";
    return { port: urlPort === undefined ? (protocol === "https" ? 443 : 80) : Number(urlPort), protocol };
  }
  // These take an address without a scheme for one of HTTP.
  const isHttp = /(?:^|[\s/"'(])(?:curl|wget|http|httpie|xh)\s/.test(text);
  const [, bare] = new RegExp(`(?:^|[\\s"'=@(])${here}:(\\d{1,5})${end}`).exec(text) ?? [];
  if (bare !== undefined && !/\b(?:grpc|GRPC)/.test(text)) return { port: Number(bare), protocol: isHttp ? "http" : "other" };
  if (isHttp && new RegExp(`[\\s"']${here}(?=[/?\\s"'|;]|$)`).test(text)) return { port: 80, protocol: "http" };
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
