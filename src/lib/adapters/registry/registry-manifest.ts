import * as z from "zod";
import { isDigest } from "../../common/forms.ts";

/** A layer in a registry. */
export interface Layer {
  digest: string;
  /** Compressed, in bytes. */
  size: number;
}

/** Anything that becomes part of an address must have the right form. */
const digestSchema = z.string().refine(isDigest);
const platformSchema = z.object({ os: z.string(), architecture: z.string() });
const blob = z.object({ digest: digestSchema, size: z.number() });
const manifestSchema = z.object({
  manifests: z
    .array(z.object({ digest: digestSchema, platform: platformSchema.optional() }))
    .max(10_000)
    .optional(),
  layers: z.array(blob).max(10_000).optional(),
  config: blob.optional(),
});

/** The parts of a manifest. For an index: the digest of the manifest for Linux on amd64, or for whatever platform it has. */
export interface ManifestParts {
  layers?: Layer[];
  /** The image's configuration. */
  configuration?: Layer;
  platform?: string;
}

/** Reads a manifest or an index; undefined if it is neither. */
export function parseImageManifest(text: string): ManifestParts | undefined {
  try {
    const { manifests = [], layers, config } = manifestSchema.parse(JSON.parse(text));
    if (layers !== undefined) return { layers, ...(config === undefined ? {} : { configuration: config }) };
    const runnable = manifests.filter(({ platform }) => platform?.os !== "unknown");
    const chosen = runnable.find(({ platform }) => platform?.os === "linux" && platform.architecture === "amd64") ?? runnable[0];
    return chosen === undefined ? undefined : { platform: chosen.digest };
  } catch {
    return undefined;
  }
}

const tagsSchema = z.object({ tags: z.array(z.string().regex(/^\w[\w.-]{0,127}$/)).nullish() });

/** The tags in a registry's answer; undefined if it is not a list of tags. */
export function parseTags(text: string): string[] | undefined {
  try {
    return tagsSchema.parse(JSON.parse(text)).tags ?? [];
  } catch {
    return undefined;
  }
}
