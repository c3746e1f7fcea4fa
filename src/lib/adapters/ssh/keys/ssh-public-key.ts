import { createPublicKey, verify, type KeyObject } from "node:crypto";
import { typeOf } from "./fingerprint.ts";
import { WireReader, wireNumber, wireString } from "./ssh-wire.ts";

/** Minimum size of an RSA key in bits: shorter ones can be factored, or will be (NIST SP 800-131A). */
export const fewestRsaBits = 2048;

const curves: Record<string, { name: string; jwk: string; hash: string }> = {
  "ecdsa-sha2-nistp256": { name: "nistp256", jwk: "P-256", hash: "sha256" },
  "ecdsa-sha2-nistp384": { name: "nistp384", jwk: "P-384", hash: "sha384" },
  "ecdsa-sha2-nistp521": { name: "nistp521", jwk: "P-521", hash: "sha512" },
};

/** The hash for an algorithm's signatures; undefined if the algorithm hashes by itself, or is not supported. */
export function hashOf(algorithm: string): string | undefined {
  return { "rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512" }[algorithm] ?? curves[algorithm]?.hash;
}

/** Bits of an RSA key in SSH's format; undefined for keys of other types. */
export function rsaBits(blob: Buffer): number | undefined {
  if (typeOf(blob) !== "ssh-rsa") return undefined;
  try {
    const reader = new WireReader(blob);
    reader.string();
    reader.string();
    const modulus = reader.string();
    const start = modulus[0] === 0 ? 1 : 0;
    const rest = modulus.length - start;
    return rest === 0 ? 0 : rest * 8 - Math.clz32(modulus[start]!) + 24;
  } catch {
    return 0;
  }
}

function bytes(text: string): Buffer {
  return Buffer.from(text, "base64url");
}

function encode(content: Buffer): string {
  return content.toString("base64url");
}

/** A public key in SSH's format; undefined for a type that SSH does not have. */
export function publicBlob(key: KeyObject): Buffer | undefined {
  const { kty, crv, n = "", e = "", x = "", y = "" } = key.export({ format: "jwk" });
  if (kty === "RSA") return Buffer.concat([wireString("ssh-rsa"), wireNumber(bytes(e)), wireNumber(bytes(n))]);
  if (kty === "OKP" && crv === "Ed25519") return Buffer.concat([wireString("ssh-ed25519"), wireString(bytes(x))]);
  const [type, curve] = Object.entries(curves).find(([, { jwk }]) => jwk === crv) ?? [];
  if (type === undefined || curve === undefined) return undefined;
  const point = Buffer.concat([Buffer.of(4), bytes(x), bytes(y)]);
  return Buffer.concat([wireString(type), wireString(curve.name), wireString(point)]);
}

/** The reverse of publicBlob. Throws if the blob is not a key. */
function keyOf(blob: Buffer): KeyObject {
  const reader = new WireReader(blob);
  const type = reader.text();
  if (type === "ssh-ed25519") return createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x: encode(reader.string()) } });
  if (type === "ssh-rsa") {
    const [e, n] = [reader.string(), reader.string()];
    return createPublicKey({ format: "jwk", key: { kty: "RSA", n: encode(n), e: encode(e) } });
  }
  const curve = curves[type];
  if (curve === undefined) throw new RangeError(`no key of a known type: ${type}`);
  reader.string();
  const point = reader.string();
  const half = (point.length - 1) / 2;
  const [x, y] = [point.subarray(1, 1 + half), point.subarray(1 + half)];
  return createPublicKey({ format: "jwk", key: { kty: "EC", crv: curve.jwk, x: encode(x), y: encode(y) } });
}

/** Whether a key has signed some data. RSA with SHA-1, or with a key that is too short, never counts. */
export function hasSigned(blob: Buffer, data: Buffer, signature: Buffer): boolean {
  try {
    const reader = new WireReader(signature);
    const [algorithm, value] = [reader.text(), reader.string()];
    const type = typeOf(blob);
    if (type === "ssh-rsa" ? !/^rsa-sha2-(256|512)$/.test(algorithm) : algorithm !== type) return false;
    if ((rsaBits(blob) ?? fewestRsaBits) < fewestRsaBits) return false;
    const key = keyOf(blob);
    if (!(type in curves)) return verify(hashOf(algorithm), data, key, value);
    return verify(hashOf(algorithm), data, { key, dsaEncoding: "ieee-p1363" }, fixedSize(value, key));
  } catch {
    return false;
  }
}

/** The two numbers of an ECDSA signature, each as long as the curve's numbers. */
function fixedSize(value: Buffer, key: KeyObject): Buffer {
  const { x = "" } = key.export({ format: "jwk" });
  const { length } = Buffer.from(x, "base64url");
  const reader = new WireReader(value);
  return Buffer.concat(
    [reader.string(), reader.string()].map((number) => {
      const digits = number[0] === 0 ? number.subarray(1) : number;
      // A number that is negative, or written in another way, is not part of a valid signature (RFC 4251, section 5).
      if (digits.length > length || (number[0] ?? 0) > 0x7f) throw new RangeError("no number of a signature");
      return Buffer.concat([Buffer.alloc(length - digits.length), digits]);
    }),
  );
}
