import type { ServerHostKeyAlgorithm } from "ssh2";
import type { HostConfig } from "../config/config.ts";
import { fingerprintOf, typeOf } from "./fingerprint.ts";
import { defaultKnownHosts, findConfiguredKeys, findKnownKeys, knownHostsName, type KnownKey } from "./known-hosts.ts";

/** What decides whether a host is the right one. */
export interface Trust {
  /** The fingerprint in the configuration: it alone counts. */
  pinned?: string;
  known: readonly KnownKey[];
  /** Where a certificate authority is trusted for the host, in vain. */
  authorities: readonly string[];
  /** What known_hosts calls the host. */
  name: string;
  /** The file that a person would add the key to. */
  file: string;
}

/** Algorithms by the type of key that they take, in the order of preference. */
const families: Record<string, readonly ServerHostKeyAlgorithm[]> = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
};

/** Looks up what is known about a host: its fingerprint in the configuration, or its keys in known_hosts. */
export async function loadTrust(host: HostConfig, files: readonly string[] = defaultKnownHosts()): Promise<Trust> {
  const name = knownHostsName(host.host, host.port);
  const trust: Trust = { known: [], authorities: [], name, file: files[0] ?? "known_hosts" };
  if (host.fingerprint !== undefined) return { ...trust, pinned: host.fingerprint.replace(/=+$/, "") };
  const found = host.knownHosts === undefined ? await findKnownKeys(name, files) : await findConfiguredKeys(name, host.knownHosts);
  return { ...trust, known: found.keys, authorities: found.authorities };
}

/** Whether a key that a host presents is the one that is trusted. A revoked one never is. */
export function accepts({ pinned, known }: Trust, key: Buffer): boolean {
  if (pinned !== undefined) return fingerprintOf(key) === pinned;
  const same = known.filter((candidate) => candidate.key.equals(key));
  return same.length > 0 && same.every(({ revoked }) => !revoked);
}

/**
 * The algorithms to offer: known types of key first, because a server has several keys and shows the one that is asked
 * for first.
 * @param refused keys that the host showed before and that were not the pinned one: their types are left out
 */
export function algorithmsFor({ known }: Trust, refused: readonly Buffer[] = []): ServerHostKeyAlgorithm[] {
  const knownTypes = new Set(known.filter(({ revoked }) => !revoked).map(({ key }) => typeOf(key)));
  const refusedTypes = new Set(refused.map(typeOf));
  const types = Object.keys(families).filter((type) => !refusedTypes.has(type));
  const ordered = [...types.filter((type) => knownTypes.has(type)), ...types.filter((type) => !knownTypes.has(type))];
  return ordered.flatMap((type) => families[type] ?? []);
}
