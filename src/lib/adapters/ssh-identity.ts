import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import ssh2, { type AnyAuthMethod, type ParsedKey } from "ssh2";
import type { HostConfig } from "../config/config.ts";
import { ColdtivateError } from "../errors.ts";
import { fingerprintOf } from "./fingerprint.ts";

/** What there is to log in with. */
export interface Identities {
  /** In the order in which they are tried. */
  methods: AnyAuthMethod[];
  /** A line a key: its public fingerprint and where it is from, or why it cannot be used. */
  descriptions: string[];
  /** The configured key's public half, as a line of authorized_keys. */
  publicKey?: string;
}

const defaultKeys = ["id_ed25519", "id_ecdsa", "id_rsa"];

/** An agent that does not answer within these milliseconds counts as none. */
const agentPatience = 3000;

/**
 * The configured key and no other; without one, the keys in the user's ssh-agent and the ones in ~/.ssh.
 * @throws ColdtivateError SSH_KEY_INVALID when the configured key cannot be used, SSH_KEY_MISSING when there is none at all
 */
export async function loadIdentities(host: HostConfig): Promise<Identities> {
  if (host.privateKey) return configuredIdentity(host, host.privateKey.reveal());
  const agent = await agentIdentities(host.user, process.env.SSH_AUTH_SOCK);
  const files = await Promise.all(defaultKeys.map((name) => fileIdentity(host.user, join(homedir(), ".ssh", name))));
  const identities = [agent, ...files].filter((identity) => identity !== undefined);
  const methods = identities.flatMap((identity) => identity.methods);
  const descriptions = identities.flatMap((identity) => identity.descriptions);
  if (methods.length > 0) return { methods, descriptions };
  throw new ColdtivateError(`${host.host}: there is no key to log in with as ${host.user}`, {
    code: "SSH_KEY_MISSING",
    exit: "refused",
    details: descriptions,
    hint: "set private_key for the environment, load a key into your ssh-agent (ssh-add), or make one (ssh-keygen -t ed25519)",
  });
}

function configuredIdentity(host: HostConfig, content: string): Identities {
  const key = parsePrivateKey(content);
  if (typeof key !== "string") {
    const publicKey = `${key.type} ${key.getPublicSSH().toString("base64")}`;
    return { methods: [{ type: "publickey", username: host.user, key }], descriptions: [describeKey(key, "private_key")], publicKey };
  }
  throw new ColdtivateError(`${host.host}: the private key for ${host.user} cannot be used: ${key}`, {
    code: "SSH_KEY_INVALID",
    exit: "refused",
    hint: "set private_key to a private key without a passphrase, by path or by content; or leave it out and use your ssh-agent",
  });
}

async function agentIdentities(username: string, socket: string | undefined): Promise<Identities | undefined> {
  if (!socket) return undefined;
  const agent = ssh2.createAgent(socket);
  const { promise, resolve } = Promise.withResolvers<ParsedKey[]>();
  const patience = setTimeout(() => resolve([]), agentPatience);
  agent.getIdentities((_error, keys = []) => resolve(keys.filter((key) => typeof key === "object" && "getPublicSSH" in key)));
  const keys = await promise;
  clearTimeout(patience);
  if (keys.length === 0) return undefined;
  return { methods: [{ type: "agent", username, agent }], descriptions: keys.map((key) => describeKey(key, "ssh-agent")) };
}

async function fileIdentity(username: string, path: string): Promise<Identities | undefined> {
  const content = await readFile(path, "utf8").catch(() => undefined);
  if (content === undefined) return undefined;
  const key = parsePrivateKey(content);
  if (typeof key === "string") return { methods: [], descriptions: [`${path} cannot be used: ${key}`] };
  return { methods: [{ type: "publickey", username, key }], descriptions: [describeKey(key, path)] };
}

/** The key, or what is wrong with it. */
function parsePrivateKey(content: string): ParsedKey | string {
  const parsed = ssh2.utils.parseKey(content);
  if (!(parsed instanceof Error)) return parsed.isPrivateKey() ? parsed : "it is a public key";
  return /encrypted|passphrase/i.test(parsed.message) ? "it is encrypted with a passphrase" : "it is damaged or no private key";
}

function describeKey(key: ParsedKey, source: string): string {
  return `${fingerprintOf(key.getPublicSSH())} (${key.type}, ${source})`;
}
