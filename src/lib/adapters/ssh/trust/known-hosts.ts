import { homedir } from "node:os";
import { join } from "node:path";
import { mostListed, readBounded, systemCode } from "../../../common/file.ts";
import { ColdtivateError } from "../../../errors.ts";
import { namesHost, parseKnownHostsLine } from "./known-hosts-line.ts";

/** A key from a line of known_hosts that matches a host. */
export interface KnownKey {
  key: Buffer;
  /** The file that contains it, as the user knows it. */
  source: string;
}

export interface KnownKeys {
  keys: KnownKey[];
  /** Keys of certificate authorities that are trusted for the host. */
  authorities: KnownKey[];
  /** Keys that must never be trusted, neither as a host's nor as an authority's. */
  revoked: KnownKey[];
}

/** The user's files and the system's, unless ssh_config names others. */
export function defaultKnownHosts(): string[] {
  const own = join(homedir(), ".ssh", "known_hosts");
  return [own, `${own}2`, "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];
}

/** A host's name in known_hosts: the port is part of it unless it is 22. */
export function knownHostsName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

/**
 * What files say about a host.
 * @throws ColdtivateError KNOWN_HOSTS_UNREADABLE for a file that exists and cannot be read
 */
export async function findKnownKeys(name: string, files: readonly string[]): Promise<KnownKeys> {
  const texts = await Promise.all(files.map(async (file) => ({ file, text: await readKnownHosts(file) })));
  return merge(texts.map(({ file, text }) => find(name, text, file)));
}

/** The same for lines in the configuration. */
export function findConfiguredKeys(name: string, content: string): KnownKeys {
  return find(name, content, "known_hosts in the configuration");
}

/**
 * The keys of a RevokedHostKeys file: public keys, one per line.
 * @throws ColdtivateError KNOWN_HOSTS_UNREADABLE if the file cannot be read, or is a list in OpenSSH's binary format. As in
 * OpenSSH, no host is trusted then
 */
export async function readRevokedKeys(file: string): Promise<KnownKey[]> {
  const text = await readList(file).catch((cause: unknown) => {
    throw unreadable(file, reasonOf(cause), cause);
  });
  if (text.startsWith("SSHKRL")) throw unreadable(file, "it is a binary list (KRL), and only lists of public keys are supported");
  return text.split(/\r?\n/).flatMap((line) => {
    const parsed = parseKnownHostsLine(`* ${line}`);
    return parsed === undefined ? [] : [{ key: parsed.key, source: file }];
  });
}

function unreadable(file: string, why: string, cause?: unknown): ColdtivateError {
  return new ColdtivateError(`${file} cannot be read: ${why}`, {
    code: "KNOWN_HOSTS_UNREADABLE",
    exit: "refused",
    hint: "Nothing was sent to a host. Let the file be readable: what it has as revoked counts.",
    cause,
  });
}

async function readKnownHosts(file: string): Promise<string> {
  try {
    return await readList(file);
  } catch (cause) {
    if (["ENOENT", "ENOTDIR"].includes(systemCode(cause))) return "";
    throw unreadable(file, reasonOf(cause), cause);
  }
}

async function readList(file: string): Promise<string> {
  return (await readBounded(file, undefined, mostListed)).toString();
}

function reasonOf(cause: unknown): string {
  return cause instanceof ColdtivateError ? `it is larger than ${mostListed / 1024 / 1024} MiB` : systemCode(cause);
}

function find(name: string, text: string, source: string): KnownKeys {
  const found: KnownKeys = { keys: [], authorities: [], revoked: [] };
  for (const line of text.split(/\r?\n/)) {
    const parsed = parseKnownHostsLine(line);
    if (parsed === undefined || !namesHost(parsed.names, name)) continue;
    const known = { key: parsed.key, source };
    if (parsed.marker === "@revoked") found.revoked.push(known);
    else if (parsed.marker === "@cert-authority") found.authorities.push(known);
    else found.keys.push(known);
  }
  return found;
}

function merge(found: readonly KnownKeys[]): KnownKeys {
  return {
    keys: found.flatMap(({ keys }) => keys),
    authorities: found.flatMap(({ authorities }) => authorities),
    revoked: found.flatMap(({ revoked }) => revoked),
  };
}
