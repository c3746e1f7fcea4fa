/** Something that a release needs and a host does not have. */
export interface Shortage {
  /** Its error's code. */
  code: "PORT_TAKEN" | "MEMORY_SHORT" | "DISK_FULL";
  /** What is missing, in the user's words, one line each. */
  details: readonly string[];
  /** What to do about it. */
  advice: string;
}

export const mebibyte = 1024 ** 2;

/** A number of bytes for people: `310 MiB`, `1.2 GiB`. */
export function formatBytes(bytes: number): string {
  const mebibytes = Math.max(0, bytes) / mebibyte;
  return mebibytes < 1000 ? `${Math.ceil(mebibytes)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`;
}
