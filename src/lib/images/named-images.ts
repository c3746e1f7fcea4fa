import * as z from "zod";
import { recordTag } from "./build-record.ts";
import { isDigest, isTime } from "../common/forms.ts";
import { parseJson } from "../common/plain.ts";

/** What one of our indexes refers to. */
export interface NamedImages {
  /** The tag under which it says it is kept. Absent if it does not say. */
  tag?: string;
  /** Digests. */
  images: string[];
  /** When the latest of them was built, in milliseconds since the epoch. */
  builtAt?: number;
}

/** Digests become part of an address, so their form is checked. */
const digestSchema = z.string().refine(isDigest);
const annotations = z.record(z.string(), z.string());
const indexSchema = z.object({
  manifests: z.array(z.object({ digest: digestSchema, annotations: annotations.optional() })).max(10_000),
  annotations,
});
const partsSchema = z.object({ manifests: z.array(z.object({ digest: digestSchema })).max(10_000) });
const contentSchema = z.object({ tag: z.string(), built: z.number().refine(isTime) });

/** Reads a record or a content tag's index. Returns undefined for anything else, such as an image. */
export function readImageIndex(text: string): NamedImages | undefined {
  const { data: index } = indexSchema.safeParse(parseJson(text));
  if (index === undefined) return undefined;
  const { data: content } = contentSchema.safeParse(parseJson(index.annotations["coldtivate.content"] ?? ""));
  const times = index.manifests.map((each) => Date.parse(each.annotations?.["org.opencontainers.image.created"] ?? ""));
  const known = [...times, content?.built ?? Number.NaN].filter(Number.isFinite);
  const commit = index.annotations["org.opencontainers.image.revision"];
  const tag = content?.tag ?? (commit === undefined ? undefined : recordTag(commit));
  return {
    ...(tag !== undefined && { tag }),
    images: index.manifests.map(({ digest }) => digest),
    ...(known.length > 0 && { builtAt: Math.max(...known) }),
  };
}

/** The digests of the manifests that an index consists of. Empty if it is no index. */
export function readParts(text: string): string[] {
  const { data: index } = partsSchema.safeParse(parseJson(text));
  return index?.manifests.map(({ digest }) => digest) ?? [];
}
