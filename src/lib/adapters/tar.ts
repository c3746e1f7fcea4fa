import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";

export interface TarEntry {
  path: string;
  content: string | Uint8Array;
  /** Permission bits; only the owner may read and write unless said otherwise. */
  mode?: number;
}

/** An uncompressed tar of the entries, with their folders, readable by any tar. */
export async function packTar(entries: readonly TarEntry[]): Promise<Buffer> {
  const archive = pack();
  const packed = buffer(archive);
  for (const { path, content, mode } of entries) archive.entry({ name: path, mode: mode ?? 0o600 }, Buffer.from(content));
  archive.finalize();
  return packed;
}
