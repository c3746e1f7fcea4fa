import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { pack } from "tar-stream";

export interface TarEntry {
  path: string;
  content: string | Uint8Array;
  /** Permission bits; only the owner may read and write unless said otherwise. */
  mode?: number;
  /** Makes it a symbolic link, which leads there. */
  link?: string;
}

const compress = promisify(gzip);

/** A gzipped tar of the entries: over a long way what is sent at once is little, and more than that takes further round trips. */
export async function packTar(entries: readonly TarEntry[]): Promise<Buffer> {
  const archive = pack();
  const packed = buffer(archive);
  for (const { path, content, mode, link } of entries) {
    if (link === undefined) archive.entry({ name: path, mode: mode ?? 0o600 }, Buffer.from(content));
    else archive.entry({ name: path, type: "symlink", linkname: link });
  }
  archive.finalize();
  return compress(await packed, { level: constants.Z_BEST_SPEED });
}
