import type { HostConfig } from "./schema/config.ts";

/** A jump host as in ProxyJump: `user@host:port`, `[::1]:22`, `ssh://user@host:port`. */
export function parseJump(text: string): Pick<HostConfig, "host" | "port" | "user"> {
  const rest = text
    .trim()
    .replace(/^ssh:\/\//i, "")
    .replace(/\/$/, "");
  const at = rest.lastIndexOf("@");
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*|.*:.*:.*))(?::(\d+))?$/.exec(rest.slice(at + 1)) ?? [];
  const host = bracketed ?? plain ?? rest.slice(at + 1);
  return { host, ...(port !== undefined && { port: Number(port) }), ...(at > 0 && { user: rest.slice(0, at) }) };
}
