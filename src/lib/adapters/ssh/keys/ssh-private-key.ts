import { createPrivateKey, sign, type KeyObject } from "node:crypto";
import ssh2 from "ssh2";
import { typeOf } from "./fingerprint.ts";
import { fewestRsaBits, hashOf, publicBlob } from "./ssh-public-key.ts";
import { WireReader, wireNumber, wireString } from "./ssh-wire.ts";

/** Why a private key cannot be used. */
export type KeyFault = "passphrase" | "public" | "weak" | "damaged" | "security key" | "unsupported";

/** The faults, as messages describe them. */
export const keyFaults: Record<KeyFault, string> = {
  passphrase: "it is encrypted with a passphrase",
  public: "it is a public key",
  weak: `it is RSA with fewer than ${fewestRsaBits} bits, which is too weak`,
  damaged: "it is damaged or no private key",
  "security key": "it is a security key's, which only an ssh-agent can use (ssh-add)",
  unsupported: "it is of a type that is not supported (use ed25519)",
};

export interface PrivateKey {
  /** The public half, in SSH's format. */
  blob: Buffer;
  /** A signature with its algorithm's name, in SSH's format. */
  sign(data: Buffer, algorithm: string): Buffer;
}

/**
 * Reads a private key in OpenSSH's or PEM's formats.
 * @returns the key, or what is wrong with it; `passphrase` if the passphrase is wrong
 */
export function readPrivateKey(content: string, passphrase?: string): PrivateKey | KeyFault {
  if (/^\s*(?:ssh-|ecdsa-|sk-)\S+ AAAA/.test(content) || content.includes("BEGIN PUBLIC KEY")) return "public";
  const key = content.includes("BEGIN OPENSSH PRIVATE KEY") ? readOpenSsh(content, passphrase) : readPem(content, passphrase);
  if (typeof key === "string") return key;
  if ((key.asymmetricKeyDetails?.modulusLength ?? fewestRsaBits) < fewestRsaBits) return "weak";
  const blob = publicBlob(key);
  if (blob === undefined) return "unsupported";
  return { blob, sign: (data, algorithm) => signWith(key, data, algorithm) };
}

function readOpenSsh(content: string, passphrase: string | undefined): KeyObject | KeyFault {
  if (typeOf(visiblePublicKey(content) ?? Buffer.alloc(0)).startsWith("sk-")) return "security key";
  const parsed = attempt(() => ssh2.utils.parseKey(content, passphrase)) ?? new Error("damaged");
  if (parsed instanceof Error) {
    if (/unsupported/i.test(parsed.message)) return "unsupported";
    return isEncrypted(content) ? "passphrase" : "damaged";
  }
  return attempt(() => createPrivateKey(parsed.getPrivatePEM())) ?? "damaged";
}

function readPem(content: string, passphrase: string | undefined): KeyObject | KeyFault {
  const key = attempt(() => createPrivateKey({ key: content, ...(passphrase === undefined ? {} : { passphrase }) }));
  return key ?? (isEncrypted(content) ? "passphrase" : "damaged");
}

function attempt<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function isEncrypted(content: string): boolean {
  if (/BEGIN ENCRYPTED PRIVATE KEY|^Proc-Type: 4,ENCRYPTED/m.test(content)) return true;
  const parts = openSshParts(content);
  return parts !== undefined && parts.cipher !== "none";
}

/** The public half, which a key in OpenSSH's format shows without its passphrase; undefined for other formats. */
export function visiblePublicKey(content: string): Buffer | undefined {
  return openSshParts(content)?.blob;
}

/** See PROTOCOL.key in OpenSSH's sources. */
function openSshParts(content: string): { cipher: string; blob: Buffer } | undefined {
  const [, base64] = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]*)-----END/.exec(content) ?? [];
  const bytes = Buffer.from(base64 ?? "", "base64");
  const magic = "openssh-key-v1\0";
  if (bytes.subarray(0, magic.length).toString("latin1") !== magic) return undefined;
  return attempt(() => {
    const reader = new WireReader(bytes, magic.length);
    const cipher = reader.text();
    reader.string();
    reader.string();
    reader.uint32();
    return { cipher, blob: reader.string() };
  });
}

function signWith(key: KeyObject, data: Buffer, algorithm: string): Buffer {
  const isEcdsa = algorithm.startsWith("ecdsa-");
  const value = sign(hashOf(algorithm), data, isEcdsa ? { key, dsaEncoding: "ieee-p1363" } : key);
  return Buffer.concat([wireString(algorithm), wireString(isEcdsa ? twoNumbers(value) : value)]);
}

function twoNumbers(value: Buffer): Buffer {
  const half = value.length / 2;
  return Buffer.concat([wireNumber(value.subarray(0, half)), wireNumber(value.subarray(half))]);
}
