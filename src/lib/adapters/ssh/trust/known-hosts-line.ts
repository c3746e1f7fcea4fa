import { createHmac, timingSafeEqual } from "node:crypto";
import { typeOf } from "../keys/fingerprint.ts";

/** A line of known_hosts, as sshd(8) has it under SSH_KNOWN_HOSTS FILE FORMAT. */
export interface KnownHostsLine {
  marker?: "@cert-authority" | "@revoked";
  /** Names and patterns with commas between them, or one hashed name. */
  names: string;
  key: Buffer;
}

/** Reads a line; nothing for a comment, and for what OpenSSH passes over, too: unknown markers, keys that are none. */
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
 * Whether the names of a line are a host's: hashed, or patterns with `*`, `?` and `!`.
 *
 * @param name as knownHostsName makes it
 */
export function namesHost(names: string, name: string): boolean {
  if (names.startsWith("|")) return isHashOf(names, name);
  const patterns = names.split(",");
  const matches = (pattern: string) => matchesHostPattern(name, pattern.toLowerCase());
  return !patterns.some((pattern) => pattern.startsWith("!") && matches(pattern.slice(1))) && patterns.some((one) => matches(one));
}

/** `|1|salt|hash`: the name's HMAC with SHA-1, which is how OpenSSH hides names, and not how it trusts. */
function isHashOf(hashed: string, name: string): boolean {
  const [, version, salt = "", hash = ""] = hashed.split("|");
  if (version !== "1") return false;
  const made = createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest();
  const wanted = Buffer.from(hash, "base64");
  return made.length === wanted.length && timingSafeEqual(made, wanted);
}

/** As match_pattern of OpenSSH does: `*` for anything, `?` for one character. In time that grows with the product of both lengths. */
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
