import { createHmac, timingSafeEqual } from "node:crypto";
import { typeOf } from "../keys/fingerprint.ts";

/** A line of known_hosts, as described in sshd(8) under SSH_KNOWN_HOSTS FILE FORMAT. */
export interface KnownHostsLine {
  marker?: "@cert-authority" | "@revoked";
  /** Names and patterns with commas between them, or one hashed name. */
  names: string;
  key: Buffer;
}

/** Reads a line; undefined for a comment, and for what OpenSSH skips, too: unknown markers, invalid keys. */
export function parseKnownHostsLine(text: string): KnownHostsLine | undefined {
  const words = text.trim().split(/[ \t]+/);
  const marker = words[0]?.startsWith("@") ? words.shift() : undefined;
  const [names = "", type = "", base64 = ""] = words;
  if (names === "" || names.startsWith("#")) return undefined;
  const key = Buffer.from(base64, "base64");
  if (type === "" || typeOf(key) !== type) return undefined;
  if (marker === undefined) return { names, key };
  return marker === "@cert-authority" || marker === "@revoked" ? { marker, names, key } : undefined;
}

/**
 * Whether the names of a line match a host: a hashed name, or patterns with `*`, `?` and `!`.
 *
 * @param name as knownHostsName makes it
 */
export function namesHost(names: string, name: string): boolean {
  if (names.startsWith("|")) return isHashOf(names, name);
  const patterns = names.split(",");
  const matches = (pattern: string) => matchesHostPattern(name, pattern.toLowerCase());
  return !patterns.some((pattern) => pattern.startsWith("!") && matches(pattern.slice(1))) && patterns.some((one) => matches(one));
}

/** `|1|salt|hash`: the name's HMAC with SHA-1. OpenSSH uses it to hide names, not to establish trust. */
function isHashOf(hashed: string, name: string): boolean {
  const [, version, salt = "", hash = ""] = hashed.split("|");
  if (version !== "1") return false;
  const made = createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest();
  const wanted = Buffer.from(hash, "base64");
  return made.length === wanted.length && timingSafeEqual(made, wanted);
}

/** Like OpenSSH's match_pattern: `*` for anything, `?` for one character. The time grows with the product of both lengths. */
export function matchesHostPattern(text: string, pattern: string): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    if (pattern[next] === "*") {
      star = next++;
      resume = at;
    } else if (next < pattern.length && (pattern[next] === "?" || pattern[next] === text[at])) {
      next++;
      at++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[next] === "*") next++;
  return next === pattern.length;
}
