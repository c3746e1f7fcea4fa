import type { ServerHostKeyAlgorithm } from "ssh2";
import { fingerprintOf, typeOf } from "../keys/fingerprint.ts";
import { findConfiguredKeys, findKnownKeys, knownHostsName, readRevokedKeys, type KnownKey, type KnownKeys } from "./known-hosts.ts";
import { fewestRsaBits, rsaBits } from "../keys/ssh-public-key.ts";
import type { Endpoint } from "./ssh-endpoint.ts";

/** Everything that decides whether a host is the right one. */
export interface Trust {
  /** The fingerprint in the configuration. If there is one, it alone counts. */
  pinned?: string;
  known: readonly KnownKey[];
  /** Certificate authorities that are trusted for the host. */
  authorities: readonly KnownKey[];
  /** Keys that are never accepted, whatever else says so. */
  revoked: readonly KnownKey[];
  /** Keys that an authority's certificate vouches for. */
  certified: readonly Buffer[];
  /** The host's name in known_hosts. */
  name: string;
  /** The file to which a person would add the key. */
  file: string;
}

/** Algorithms by the type of key that they use, in order of preference. No SHA-1. */
const families: Record<string, readonly ServerHostKeyAlgorithm[]> = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"],
};

/**
 * Looks up what is known about a host: its fingerprint in the configuration, or its keys in known_hosts. In either case,
 * `@revoked` lines of the user's and the system's files count.
 * @throws ColdtivateError KNOWN_HOSTS_UNREADABLE
 */
export async function loadTrust({ host, port, trust: settings }: Endpoint): Promise<Trust> {
  const name = settings.alias?.toLowerCase() ?? knownHostsName(host, port);
  const own = settings.knownHosts;
  const [found, plain] = await Promise.all([name, host.toLowerCase()].map((one) => findKnownKeys(one, settings.files)));
  const listed = settings.revoked === undefined ? [] : await readRevokedKeys(settings.revoked);
  const configured = own === undefined ? undefined : findConfiguredKeys(name, own);
  // As in OpenSSH: a host at another port may be known without the port.
  const usePlain = configured === undefined && settings.alias === undefined && isEmpty(found!);
  const { keys, authorities } = configured ?? (usePlain ? plain! : found!);
  const revoked = [found!, ...(settings.alias === undefined ? [plain!] : []), ...(configured === undefined ? [] : [configured])];
  return {
    ...(settings.fingerprint === undefined ? {} : { pinned: settings.fingerprint.replace(/=+$/, "") }),
    known: settings.fingerprint === undefined ? keys : [],
    authorities: settings.fingerprint === undefined ? authorities : [],
    revoked: [...listed, ...revoked.flatMap((one) => one.revoked)],
    certified: [],
    name,
    file: settings.files[0] ?? "known_hosts",
  };
}

function isEmpty({ keys, authorities }: KnownKeys): boolean {
  return keys.length === 0 && authorities.length === 0;
}

/** Whether a key that a host presents is the trusted one. Revoked keys never are, nor are RSA keys that are too short. */
export function accepts({ pinned, known, certified, revoked }: Trust, key: Buffer): boolean {
  if (revoked.some((candidate) => candidate.key.equals(key)) || isWeak(key)) return false;
  if (pinned !== undefined) return fingerprintOf(key) === pinned;
  return known.some((candidate) => candidate.key.equals(key)) || certified.some((candidate) => candidate.equals(key));
}

/** Whether a key is RSA and too short. */
export function isWeak(key: Buffer): boolean {
  return (rsaBits(key) ?? fewestRsaBits) < fewestRsaBits;
}

/**
 * The algorithms to offer. Known key types come first, because a server has several keys and shows the one that is asked for
 * first.
 * @param refused keys that the host showed before and that were not the pinned one: their types are left out
 */
export function algorithmsFor({ known, certified }: Trust, refused: readonly Buffer[] = []): ServerHostKeyAlgorithm[] {
  const knownTypes = new Set([...certified, ...known.map(({ key }) => key)].map(typeOf));
  const refusedTypes = new Set(refused.map(typeOf));
  const types = Object.keys(families).filter((type) => !refusedTypes.has(type));
  const ordered = [...types.filter((type) => knownTypes.has(type)), ...types.filter((type) => !knownTypes.has(type))];
  return ordered.flatMap((type) => families[type] ?? []);
}
