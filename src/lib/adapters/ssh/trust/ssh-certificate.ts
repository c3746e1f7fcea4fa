import { fingerprintOf, typeOf } from "../keys/fingerprint.ts";
import { plainWords } from "../../../common/host-answer.ts";
import { matchesHostPattern } from "./known-hosts-line.ts";
import { hasSigned } from "../keys/ssh-public-key.ts";
import { WireReader, wireString } from "../keys/ssh-wire.ts";

/** A certificate in OpenSSH's format (PROTOCOL.certkeys in its sources). */
export interface Certificate {
  /** Its own type, such as ssh-ed25519-cert-v01@openssh.com. */
  type: string;
  /** The key that it certifies, in SSH's format. */
  key: Buffer;
  kind: "user" | "host" | "other";
  id: string;
  principals: string[];
  /** Seconds since the epoch. */
  validAfter: bigint;
  validBefore: bigint;
  critical: string[];
  /** The authority's key. */
  authority: Buffer;
  /** Everything but the signature, and then the signature. */
  signed: Buffer;
  signature: Buffer;
}

const suffix = "-cert-v01@openssh.com";

/** How many strings of a certificate make up the public key, by the key's type. */
const keyParts: Record<string, number> = {
  "ssh-ed25519": 1,
  "ssh-rsa": 2,
  "ecdsa-sha2-nistp256": 2,
  "ecdsa-sha2-nistp384": 2,
  "ecdsa-sha2-nistp521": 2,
  "sk-ssh-ed25519@openssh.com": 2,
  "sk-ecdsa-sha2-nistp256@openssh.com": 3,
};

export function isCertificateType(type: string): boolean {
  return type.endsWith(suffix);
}

/** The type of the key in a certificate, from the certificate's type. For security keys, the suffix is in another place. */
export function plainType(type: string): string {
  const base = type.slice(0, -suffix.length);
  return base.startsWith("sk-") ? `${base}@openssh.com` : base;
}

/** Reads a certificate; undefined if the blob is not one. */
export function parseCertificate(blob: Buffer): Certificate | undefined {
  const type = typeOf(blob);
  if (!isCertificateType(type)) return undefined;
  const plain = plainType(type);
  try {
    const reader = new WireReader(blob);
    reader.string();
    reader.string();
    const parts = Array.from({ length: keyParts[plain] ?? 0 }, () => wireString(reader.string()));
    reader.uint64();
    const kind = ({ 1: "user", 2: "host" } as const)[reader.uint32()] ?? "other";
    const id = plainWords(reader.text());
    const principals = WireReader.allOf(reader.string()).map((name) => plainWords(String(name)));
    const [validAfter, validBefore] = [reader.uint64(), reader.uint64()];
    const critical = WireReader.allOf(reader.string()).flatMap((part, index) => (index % 2 === 0 ? [plainWords(String(part))] : []));
    reader.string();
    reader.string();
    const authority = reader.string();
    const signed = blob.subarray(0, reader.position);
    const signature = reader.string();
    const key = Buffer.concat([wireString(plain), ...parts]);
    return { type, key, kind, id, principals, validAfter, validBefore, critical, authority, signed, signature };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * Why a certificate does not make a host known; undefined if it does.
 *
 * @param name the host's name or address, without a port
 * @param now in milliseconds since the epoch
 */
export function hostCertificateFault(
  certificate: Certificate,
  { name, authorities, revoked, now }: { name: string; authorities: readonly Buffer[]; revoked: readonly Buffer[]; now: number },
): string | undefined {
  const { kind, authority, principals, validAfter, validBefore, critical, key } = certificate;
  const isRevoked = (blob: Buffer) => revoked.some((one) => one.equals(blob));
  if (kind !== "host") return "it is no host's certificate";
  if (!authorities.some((one) => one.equals(authority))) return `${fingerprintOf(authority)}, which signed it, is no trusted authority`;
  if (isRevoked(authority)) return "its authority was revoked";
  if (isRevoked(key)) return "its key was revoked";
  if (!hasSigned(authority, certificate.signed, certificate.signature)) return "its signature is not right, or too weak";
  if (critical.length > 0) return `it is restricted by ${critical.join(", ")}, which is not known here`;
  if (principals.length === 0) return "it names no host (ssh-keygen -n)";
  if (!principals.some((pattern) => matchesHostPattern(name.toLowerCase(), pattern.toLowerCase())))
    return `it is for ${principals.join(", ")}, and not for ${name}`;
  return validityFault(validAfter, validBefore, now);
}

/** Why a certificate is not valid at a time, in milliseconds since the epoch; undefined if it is valid. */
export function validityFault(validAfter: bigint, validBefore: bigint, now: number): string | undefined {
  const seconds = BigInt(Math.floor(now / 1000));
  if (seconds < validAfter) return `it is not valid before ${dateOf(validAfter)}`;
  return seconds >= validBefore ? `it was valid until ${dateOf(validBefore)}` : undefined;
}

function dateOf(seconds: bigint): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? "the end of time" : date.toISOString().replace(/\.\d+/, "");
}
