/** A digest as defined by OCI's image specification, with the one algorithm that all registries and engines support. */
const digestPattern = /^sha256:[0-9a-f]{64}$/;

/** A media type (RFC 6838), without parameters. */
const mediaTypePattern = /^[\w.+-]+\/[\w.+-]{1,127}$/;

const commitPattern = /^[0-9a-f]{40}$/;

/** Whether a text can be the digest of a manifest or a blob. */
export function isDigest(text: string): boolean {
  return digestPattern.test(text);
}

/** Whether a text can be the media type of a manifest: it is sent in a header. */
export function isMediaType(text: string): boolean {
  return mediaTypePattern.test(text);
}

/** Whether a text can be the full ID of a commit: it is passed to Git as an argument. */
export function isCommit(text: string): boolean {
  return commitPattern.test(text);
}

/** Whether a number can be a point in time, in milliseconds since the epoch (ECMA-262, 21.4.1.1). */
export function isTime(milliseconds: number): boolean {
  return Math.abs(milliseconds) <= 8.64e15;
}

/** A manifest or an index with exactly the bytes that the registry stores: other bytes would have another digest. */
export interface StoredManifest {
  digest: string;
  mediaType: string;
  bytes: Buffer;
}
