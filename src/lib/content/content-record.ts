import * as z from "zod";
import type { ContentInput, Hash } from "./content-digest.ts";
import { isCommit, isDigest, isMediaType, isTime, type StoredManifest } from "../common/forms.ts";

/** What a content tag holds: an image, and how it came to be. */
export interface ContentRecord {
  /** The content tag. */
  tag: string;
  image: StoredManifest;
  /** When it was built, in milliseconds since the epoch. */
  built: number;
  /** The commit that was checked out. */
  revision: string;
  /** The last commit that had changed its inputs. */
  commit?: string;
  /** A short digest of each input's value, by the input's name. */
  inputs: Record<string, string>;
}

const indexType = "application/vnd.oci.image.index.v1+json";
const annotation = "coldtivate.content";

const indexSchema = z.object({
  manifests: z.tuple([z.object({ mediaType: z.string().refine(isMediaType), digest: z.string().refine(isDigest), data: z.string() })]),
  annotations: z.record(z.string(), z.string()),
});
const aboutSchema = z.object({
  tag: z.string(),
  built: z.number().refine(isTime),
  revision: z.string().refine(isCommit),
  commit: z.string().refine(isCommit).optional(),
  inputs: z.record(z.string(), z.string()),
});

/** Names of inputs, with digests instead of their values: a value may be long or confidential. */
export function summariseInputs(inputs: readonly ContentInput[], hash: Hash): Record<string, string> {
  return Object.fromEntries(inputs.map(({ name, value }) => [name, hash(value).slice(0, 16)]));
}

/**
 * Writes a record as an index that refers to the image and contains its manifest:
 * - One request reads it, one writes it, and it needs no blob.
 * - Pulling it gives the image.
 * - It can be deleted without the image.
 */
export function writeRecord({ tag, image, built, revision, commit, inputs }: ContentRecord, hash: Hash): StoredManifest {
  const about = JSON.stringify({ tag, built, revision, ...(commit !== undefined && { commit }), inputs });
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: indexType,
    manifests: [{ mediaType: image.mediaType, digest: image.digest, size: image.bytes.length, data: image.bytes.toString("base64") }],
    annotations: { [annotation]: about },
  });
  return { digest: `sha256:${hash(index)}`, mediaType: indexType, bytes: Buffer.from(index) };
}

/** Reads what `writeRecord` wrote. Returns undefined if it is something else or incomplete. */
export function readRecord({ bytes: index }: Pick<StoredManifest, "bytes">, hash: Hash): ContentRecord | undefined {
  try {
    const { manifests, annotations } = indexSchema.parse(JSON.parse(index.toString()));
    const about = aboutSchema.parse(JSON.parse(annotations[annotation] ?? ""));
    const [image] = manifests;
    const bytes = Buffer.from(image.data, "base64");
    if (`sha256:${hash(bytes)}` !== image.digest) return undefined;
    const { commit, ...rest } = about;
    return { ...rest, ...(commit !== undefined && { commit }), image: { digest: image.digest, mediaType: image.mediaType, bytes } };
  } catch {
    return undefined;
  }
}
