import { ColdtivateError } from "../../../errors.ts";
import { fingerprintOf, typeOf } from "../keys/fingerprint.ts";
import { isWeak, type Trust } from "./host-key.ts";
import { fewestRsaBits } from "../keys/ssh-public-key.ts";
import type { Endpoint } from "./ssh-endpoint.ts";

/**
 * Why a host was not trusted, and how to accept it if it is the right one.
 * @param presented the keys that it showed; at least one
 * @param faults why a certificate of it is not accepted
 */
export function hostKeyError(host: Endpoint, trust: Trust, presented: readonly Buffer[], faults: readonly string[] = []): ColdtivateError {
  const key = presented[0]!;
  for (const shown of presented) {
    const revoked = trust.revoked.find((known) => known.key.equals(shown));
    if (revoked) return revokedKey(host, shown, revoked.source);
  }
  if (isWeak(key)) return weakKey(host, key);
  if (trust.pinned !== undefined) return changed(host, trust, presented, [`expected   ${trust.pinned} (fingerprint in the configuration)`]);
  if (trust.known.length === 0) return unknown(host, trust, key, faults);
  return changed(host, trust, presented, [
    ...trust.known.map((known) => `expected   ${describe(known.key)} in ${known.source}`),
    ...faults,
  ]);
}

function unknown(host: Endpoint, trust: Trust, key: Buffer, faults: readonly string[]): ColdtivateError {
  return new ColdtivateError(`${host.name}: the host's key is not known`, {
    code: "HOST_KEY_UNKNOWN",
    exit: "refused",
    details: [
      `presented  ${describe(key)}`,
      ...(trust.authorities.length > 0 ? [`${trust.authorities[0]!.source} trusts a certificate authority for it, but:`, ...faults] : []),
      "Ask whoever runs the server whether this fingerprint is right. If it is, accept it in one of two ways:",
      `in coldtivate.yml, for this host:  fingerprint: ${fingerprintOf(key)}`,
      `in ${trust.file}:  ${knownHostsLine(trust.name, key)}`,
    ],
    hint: `nothing was sent to it; ${ownCheck(key)}. coldtivate host trust ENVIRONMENT shows all of its keys, and writes that line when you say so`,
  });
}

function weakKey(host: Endpoint, key: Buffer): ColdtivateError {
  return new ColdtivateError(`${host.name}: the host's key is too weak`, {
    code: "HOST_KEY_WEAK",
    exit: "refused",
    details: [`presented  ${describe(key)}, with fewer than ${fewestRsaBits} bits`],
    hint: "nothing was sent to it. Have the server make other keys: ssh-keygen -A as root makes those that are missing",
  });
}

function changed(host: Endpoint, trust: Trust, presented: readonly Buffer[], expected: readonly string[]): ColdtivateError {
  const remedy =
    trust.pinned === undefined
      ? `remove the old key (ssh-keygen -R '${trust.name}') and add the new one`
      : "change fingerprint in coldtivate.yml";
  return new ColdtivateError(`${host.name}: the host's key has changed`, {
    code: "HOST_KEY_CHANGED",
    exit: "refused",
    details: [
      ...expected,
      ...presented.map((key) => `presented  ${describe(key)}`),
      "Somebody may be reading along between you and the host, or the server was installed anew.",
    ],
    hint: `nothing was sent to it. Ask whoever runs the server; ${ownCheck(presented[0]!)}. Only if it is right, ${remedy}`,
  });
}

function revokedKey(host: Endpoint, key: Buffer, source: string): ColdtivateError {
  return new ColdtivateError(`${host.name}: the host's key was revoked`, {
    code: "HOST_KEY_REVOKED",
    exit: "refused",
    details: [`presented  ${describe(key)}`, `revoked in ${source}`],
    hint: "nothing was sent to it. Ask whoever runs the server for its new key",
  });
}

function describe(key: Buffer): string {
  return `${fingerprintOf(key)} (${typeOf(key)})`;
}

/** A line of known_hosts. */
export function knownHostsLine(name: string, key: Buffer): string {
  return `${name} ${typeOf(key)} ${key.toString("base64")}`;
}

/** How the server's owner can look up the fingerprint. */
export function ownCheck(key: Buffer): string {
  const kind = typeOf(key).replace(
    /^(ssh-|ecdsa).*?(ed25519|rsa)?.*$/,
    (_all, start: string, name?: string) => name ?? (start === "ecdsa" ? "ecdsa" : "rsa"),
  );
  return `on the server, ssh-keygen -lf /etc/ssh/ssh_host_${kind}_key.pub shows the right one`;
}
