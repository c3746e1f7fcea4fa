import * as z from "zod";

const schema = z.object({ config: z.object({ digest: z.string() }) });

/** The digest of an image's configuration, read from its manifest. Undefined for an index. */
export function configurationOf(manifest: string): string | undefined {
  try {
    return schema.parse(JSON.parse(manifest)).config.digest;
  } catch {
    return undefined;
  }
}
