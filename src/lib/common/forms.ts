/** A digest as OCI's image specification writes it, by the one algorithm that all registries and engines have. */
const digestPattern = /^sha256:[0-9a-f]{64}$/;

/** A media type (RFC 6838), without parameters. */
const mediaTypePattern = /^[\w.+-]+\/[\w.+-]{1,127}$/;

const commitPattern = /^[0-9a-f]{40}$/;

/** Whether a text can be the digest of a manifest or a blob. */
export function isDigest(text: string): boolean {
  return digestPattern.test(text);
}

/** Whether a text can be the media type of a manifest: it goes into a header. */
export function isMediaType(text: string): boolean {
  return mediaTypePattern.test(text);
}

/** Whether a text can be a commit's full name: it becomes an argument of Git's. */
export function isCommit(text: string): boolean {
  return commitPattern.test(text);
}

/** Whether a number can be a moment, in milliseconds since the epoch (ECMA-262, 21.4.1.1). */
export function isTime(milliseconds: number): boolean {
  return Math.abs(milliseconds) <= 8.64e15;
}

/** A manifest or an index, byte by byte as the registry has it: other bytes are another digest. */
export interface StoredManifest {
  digest: string;
  mediaType: string;
  bytes: Buffer;
}
