import type { HostConfig } from "../config/config.ts";
import { ColdtivateError } from "../errors.ts";
import { fingerprintOf, typeOf } from "./fingerprint.ts";
import type { Trust } from "./host-key.ts";

/**
 * Why a host was not trusted, and how to accept it when it is the right one.
 * @param presented the keys that it showed; at least one
 */
export function hostKeyError(host: HostConfig, trust: Trust, presented: readonly Buffer[]): ColdtivateError {
  const key = presented[0]!;
  if (trust.pinned !== undefined) return changed(host, trust, presented, [`expected   ${trust.pinned} (fingerprint in the configuration)`]);
  const revoked = trust.known.find((known) => known.revoked && known.key.equals(key));
  if (revoked) return revokedKey(host, key, revoked.source);
  const valid = trust.known.filter((known) => !known.revoked);
  if (valid.length === 0) return unknown(host, trust, key);
  return changed(
    host,
    trust,
    presented,
    valid.map((known) => `expected   ${describe(known.key)} in ${known.source}`),
  );
}

function unknown(host: HostConfig, trust: Trust, key: Buffer): ColdtivateError {
  const authorities = trust.authorities.map(
    (source) => `${source} trusts a certificate authority for this host, which coldtivate does not support`,
  );
  return new ColdtivateError(`${host.host}: the host's key is not known`, {
    code: "HOST_KEY_UNKNOWN",
    exit: "refused",
    details: [
      `presented  ${describe(key)}`,
      ...authorities,
      "Ask whoever runs the server whether this fingerprint is right. If it is, accept it in one of two ways:",
      `in coldtivate.yml, for this host:  fingerprint: ${fingerprintOf(key)}`,
      `in ${trust.file}:  ${knownHostsLine(trust, key)}`,
    ],
    hint: `nothing was sent to it; ${ownCheck(key)}`,
  });
}

function changed(host: HostConfig, trust: Trust, presented: readonly Buffer[], expected: readonly string[]): ColdtivateError {
  const remedy =
    trust.pinned === undefined
      ? `remove the old key (ssh-keygen -R '${trust.name}') and add the new one`
      : "change fingerprint in coldtivate.yml";
  return new ColdtivateError(`${host.host}: the host's key has changed`, {
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

function revokedKey(host: HostConfig, key: Buffer, source: string): ColdtivateError {
  return new ColdtivateError(`${host.host}: the host's key was revoked`, {
    code: "HOST_KEY_REVOKED",
    exit: "refused",
    details: [`presented  ${describe(key)}`, `revoked in ${source}`],
    hint: "nothing was sent to it. Ask whoever runs the server for its new key",
  });
}

function describe(key: Buffer): string {
  return `${fingerprintOf(key)} (${typeOf(key)})`;
}

function knownHostsLine({ name }: Trust, key: Buffer): string {
  return `${name} ${typeOf(key)} ${key.toString("base64")}`;
}

/** How the server's owner sees the fingerprint. */
function ownCheck(key: Buffer): string {
  const kind = typeOf(key).replace(
    /^(ssh-|ecdsa).*?(ed25519|rsa)?.*$/,
    (_all, start: string, name?: string) => name ?? (start === "ecdsa" ? "ecdsa" : "rsa"),
  );
  return `on the server, ssh-keygen -lf /etc/ssh/ssh_host_${kind}_key.pub shows the right one`;
}
