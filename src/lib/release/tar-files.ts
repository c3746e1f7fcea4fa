export interface TarFile {
  /** Path from the root of the file system. */
  path: string;
  content: Uint8Array;
  mode: number;
  uid: number;
  gid: number;
}

const block = 512;
/** Ends with a zero byte; the version follows. */
const magic = "ustar\0";
const encoder = new TextEncoder();

/** Packs a few files into an archive in the form that every tar reads. */
export function packFiles(files: readonly TarFile[]): Uint8Array {
  const parts = files.flatMap(({ content, ...file }) => {
    const padding = (block - (content.length % block)) % block;
    return [header({ ...file, size: content.length }), content, new Uint8Array(padding)];
  });
  parts.push(new Uint8Array(2 * block));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function header({ path, mode, uid, gid, size }: Omit<TarFile, "content"> & { size: number }): Uint8Array {
  const bytes = new Uint8Array(block);
  const put = (at: number, text: string) => bytes.set(encoder.encode(text), at);
  const { prefix, name } = split(path.replace(/^\/+/, ""));
  put(0, name);
  put(100, octal(mode, 8));
  put(108, octal(uid, 8));
  put(116, octal(gid, 8));
  put(124, octal(size, 12));
  put(136, octal(0, 12));
  put(148, " ".repeat(8));
  put(156, "0");
  put(257, `${magic}00`);
  put(345, prefix);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 7)}\0 `);
  return bytes;
}

function octal(value: number, width: number): string {
  return value.toString(8).padStart(width - 1, "0");
}

/** The folders of a long path go into a field of their own. */
function split(path: string): { prefix: string; name: string } {
  if (encoder.encode(path).length <= 100) return { prefix: "", name: path };
  const slash = path.lastIndexOf("/", 155);
  return { prefix: path.slice(0, Math.max(slash, 0)), name: path.slice(slash + 1) };
}
