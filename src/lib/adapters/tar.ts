import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { pack } from "tar-stream";

export interface TarEntry {
  path: string;
  content: string | Uint8Array;
  /** Permission bits; by default, only the owner may read and write. */
  mode?: number;
  /** Makes the entry a symbolic link with this target. */
  link?: string;
}

const compress = promisify(gzip);

/**
 * A gzipped tar of the entries. On a distant connection, only little data can be sent at once, and more takes further round
 * trips.
 */
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
