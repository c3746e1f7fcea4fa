import { createHash } from "node:crypto";

/** A public key's fingerprint as OpenSSH writes it, `SHA256:…`. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

/** A public key's type, such as `ssh-ed25519`: the first string in it; empty if it is not a key. */
export function typeOf(key: Buffer): string {
  return key.length < 4 ? "" : key.subarray(4, 4 + key.readUInt32BE(0)).toString("latin1");
}
