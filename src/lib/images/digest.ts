/** A digest as OCI's image specification writes it, by the one algorithm that all registries and engines have. */
const pattern = /^sha256:[0-9a-f]{64}$/;

/** Whether a text can be the digest of a manifest or a blob. */
export function isDigest(text: string): boolean {
  return pattern.test(text);
}
