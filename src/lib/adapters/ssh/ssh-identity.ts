import { basename } from "node:path";
import { readBounded } from "../../common/file.ts";
import { ColdtivateError } from "../../errors.ts";
import { fingerprintOf, typeOf } from "./keys/fingerprint.ts";
import { isWeak } from "./trust/host-key.ts";
import type { HostAccess } from "./route/ssh-access.ts";
import { listAgentKeys, signWithAgent } from "./keys/ssh-agent-client.ts";
import { isCertificateType, parseCertificate, plainType, validityFault } from "./trust/ssh-certificate.ts";
import type { KeyRing } from "./keys/ssh-key-ring.ts";
import { keyFaults, readPrivateKey, visiblePublicKey } from "./keys/ssh-private-key.ts";
import type { Endpoint } from "./trust/ssh-endpoint.ts";
import type { Identity } from "./ssh-user-auth.ts";

/** The keys to log in with. */
export interface Identities {
  /** In the order in which they are tried. */
  identities: Identity[];
  /** One line per key: its public fingerprint and where it is from, or why it cannot be used. */
  descriptions: string[];
  /** The configured key's public half, as a line of authorized_keys. */
  publicKey?: string;
}

export interface IdentityOptions extends HostAccess {
  keys: KeyRing;
}

/** A key, and the function that signs with it. */
interface Source {
  blob: Buffer;
  from: string;
  sign: (data: Buffer, algorithm: string) => Promise<Buffer>;
}

/**
 * Loads the configured key and no other. Without one, it loads the files and the agent of ssh_config, in OpenSSH's order: keys
 * that both have, then the agent's other keys, then the other files. A certificate comes before its key.
 * @throws ColdtivateError SSH_KEY_INVALID if the configured key cannot be used, SSH_KEY_MISSING if there is no key at all
 */
export async function loadIdentities(endpoint: Endpoint, options: IdentityOptions): Promise<Identities> {
  const { login, name, user } = endpoint;
  const unusable: string[] = [];
  const sources = login.privateKey ? [await configuredSource(endpoint, options)] : await allSources(endpoint, options, unusable);
  const files = login.privateKey ? [] : login.files.map((path) => `${path.replace(/\.pub$/, "")}-cert.pub`);
  const certificates = await readCertificates([...login.certificates, ...files], unusable);
  const identities = sources.flatMap((source) => [
    ...certificates
      .filter(({ key }) => key.equals(source.blob))
      .map(({ blob, from }) => identityOf({ ...source, blob, from: `certificate ${from}` })),
    identityOf(source),
  ]);
  const descriptions = [...identities.map(({ description }) => description), ...unusable];
  if (identities.length > 0) {
    const [first] = login.privateKey ? sources : [];
    return { identities, descriptions, ...(first && { publicKey: `${typeOf(first.blob)} ${first.blob.toString("base64")}` }) };
  }
  throw new ColdtivateError(`${name}: there is no key to log in with as ${user}`, {
    code: "SSH_KEY_MISSING",
    exit: "refused",
    details: unusable,
    hint: "set private_key for the environment, load a key into your ssh-agent (ssh-add), or make one (ssh-keygen -t ed25519)",
  });
}

async function configuredSource({ login, name, user }: Endpoint, { askSecret, keys }: IdentityOptions): Promise<Source> {
  const content = login.privateKey!.reveal();
  const source = await fileSource(content, "private_key", askSecret, keys).catch((cause: unknown) => String(cause));
  if (typeof source !== "string") return source;
  throw new ColdtivateError(`${name}: the private key for ${user} cannot be used: ${source}`, {
    code: "SSH_KEY_INVALID",
    exit: "refused",
    hint: "set private_key to a private key without a passphrase, by path or by content; or leave it out and use your ssh-agent",
  });
}

async function allSources({ login }: Endpoint, { askSecret, keys }: IdentityOptions, unusable: string[]): Promise<Source[]> {
  const { agent: socket } = login;
  const held = socket === undefined ? [] : await listAgentKeys(socket);
  const files: Source[] = [];
  const named: Buffer[] = [];
  for (const path of login.files) {
    const publicKey = await readPublic(path);
    if (publicKey !== undefined) named.push(publicKey.blob);
    if (publicKey !== undefined && held.some(({ blob }) => isAbout(blob, publicKey.blob))) continue;
    const content = await readOwn(path, unusable);
    if (content === undefined) continue;
    const source = await fileSource(content, path, askSecret, keys, publicKey?.blob).catch((cause: unknown) => String(cause));
    if (typeof source !== "string") files.push(source);
    else if (!path.endsWith(".pub")) unusable.push(`${path} cannot be used: ${source}`);
  }
  const agents = held
    .filter(({ blob }) => !isUnusable(blob))
    .map(({ blob, comment }) => ({
      blob,
      from: `ssh-agent${comment === "" ? "" : `: ${comment}`}`,
      sign: (data: Buffer, algorithm: string) => signWithAgent(socket!, blob, data, algorithm),
    }));
  const isNamed = ({ blob }: Source) => named.some((one) => isAbout(blob, one));
  const others = login.isOnly ? [] : agents.filter((source) => !isNamed(source));
  return [...agents.filter(isNamed), ...others, ...files];
}

/**
 * A private key ready for signing, or what is wrong with it. If the public half is visible without the passphrase, the passphrase
 * is asked for only when the server wants a signature.
 */
async function fileSource(
  content: string,
  from: string,
  ask: HostAccess["askSecret"],
  keys: KeyRing,
  publicKey = visiblePublicKey(content),
): Promise<Source | string> {
  const key = readPrivateKey(content);
  if (typeof key !== "string") return { blob: key.blob, from, sign: (data, algorithm) => Promise.resolve(key.sign(data, algorithm)) };
  if (key !== "passphrase") return keyFaults[key];
  if (ask === undefined) return `${keyFaults.passphrase}, and nobody is at a terminal to ask; load it into an ssh-agent (ssh-add)`;
  const unlock = () => keys.unlock(content, from, ask);
  const blob = publicKey ?? (await unlock()).blob;
  if (isUnusable(blob)) return keyFaults.weak;
  return { blob, from, sign: async (data, algorithm) => (await unlock()).sign(data, algorithm) };
}

/** The text of a key file; undefined if it cannot be read. A file that is too large is added to the unusable ones. */
async function readOwn(path: string, unusable?: string[]): Promise<string | undefined> {
  try {
    return (await readBounded(path)).toString();
  } catch (cause) {
    if (cause instanceof ColdtivateError) unusable?.push(`${path} cannot be used: it is too large for a key`);
    return undefined;
  }
}

interface PublicFile {
  blob: Buffer;
}

/** The public half that belongs to a private key's file: from the file beside it, or from the file itself. */
async function readPublic(path: string): Promise<PublicFile | undefined> {
  for (const file of path.endsWith(".pub") ? [path] : [`${path}.pub`, path]) {
    const content = (await readOwn(file)) ?? "";
    const blob = publicLine(content) ?? visiblePublicKey(content);
    if (blob !== undefined) return { blob };
  }
  return undefined;
}

function publicLine(content: string): Buffer | undefined {
  const [type, base64 = ""] = content.trim().split(/\s+/);
  const blob = Buffer.from(base64, "base64");
  return type !== undefined && type !== "" && typeOf(blob) === type ? blob : undefined;
}

interface UserCertificate {
  blob: Buffer;
  key: Buffer;
  from: string;
}

async function readCertificates(paths: readonly string[], unusable: string[]): Promise<UserCertificate[]> {
  const found: UserCertificate[] = [];
  for (const path of paths) {
    const content = await readOwn(path, unusable);
    const blob = content === undefined ? undefined : publicLine(content);
    const certificate = blob && parseCertificate(blob);
    if (content === undefined) continue;
    if (blob === undefined || certificate === undefined || certificate.kind !== "user") {
      unusable.push(`${path} cannot be used: it is no user's certificate`);
      continue;
    }
    const fault = validityFault(certificate.validAfter, certificate.validBefore, Date.now());
    if (fault === undefined) found.push({ blob, key: certificate.key, from: basename(path) });
    else unusable.push(`certificate ${path} cannot be used: ${fault}`);
  }
  return found;
}

/** Whether a key or certificate in an agent is this key, or a certificate for it. */
function isAbout(blob: Buffer, key: Buffer): boolean {
  return blob.equals(key) || parseCertificate(blob)?.key.equals(key) === true;
}

function isUnusable(blob: Buffer): boolean {
  return typeOf(blob).startsWith("ssh-dss") || isWeak(parseCertificate(blob)?.key ?? blob);
}

function identityOf({ blob, from, sign }: Source): Identity {
  const type = typeOf(blob);
  const plain = isCertificateType(type) ? plainType(type) : type;
  const signatures = plain === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [plain];
  const algorithms = signatures.map((signature) => ({
    name: plain === type ? signature : plain === "ssh-rsa" ? `${signature}-cert-v01@openssh.com` : type,
    signature,
  }));
  return { description: `${fingerprintOf(parseCertificate(blob)?.key ?? blob)} (${type}, ${from})`, blob, algorithms, sign };
}
