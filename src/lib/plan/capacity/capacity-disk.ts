import type { HostState } from "../../host/host-state.ts";
import { formatBytes, mebibyte, type Shortage } from "./capacity.ts";

/** A layer of an image in a registry. */
export interface ImageLayer {
  digest: string;
  /** Compressed, in bytes. */
  size: number;
}

/** While a layer is unpacked, it exists twice: compressed, and about twice as large. */
const unpacking = 3;

/** Space that must stay free, for logs and the containers' own files. */
const leastFree = 256 * mebibyte;

/** The images that a host does not have and so has to pull. */
export function missingImages(images: readonly string[], { images: present = [] }: HostState): string[] {
  return images.filter((image) => !present.includes(image));
}

/**
 * Checks whether images fit on a host's disk; undefined if they do, or if it cannot be known.
 *
 * @param layers of the images to pull, by image; without images whose layers are unknown
 * @param present digests of layers that the host has
 */
export function diskShortage(
  state: HostState,
  layers: ReadonlyMap<string, readonly ImageLayer[]>,
  present: ReadonlySet<string>,
): Shortage | undefined {
  const disk = state.capacity?.disk;
  if (disk === undefined) return undefined;
  const seen = new Set(present);
  const sizes = [...layers].map(([image, parts]) => {
    const fresh = parts.filter(({ digest }, index) => !seen.has(digest) && parts.findIndex((part) => part.digest === digest) === index);
    for (const { digest } of fresh) seen.add(digest);
    return { image, bytes: fresh.reduce((total, { size }) => total + size, 0) };
  });
  const needed = unpacking * sizes.reduce((total, { bytes }) => total + bytes, 0);
  if (needed === 0 || needed + leastFree <= disk.free) return undefined;
  return {
    code: "DISK_FULL",
    details: [
      `${state.host}: ${formatBytes(disk.free)} are free at ${disk.path}; unpacking what is to be pulled takes about ${formatBytes(needed)}, and ${formatBytes(leastFree)} are to stay free`,
      ...sizes.filter(({ bytes }) => bytes > 0).map(({ image, bytes }) => `  ${image.split("@", 1)[0]}: ${formatBytes(bytes)} to pull`),
    ],
    advice: "`docker system df` there shows what fills it; images of releases that are kept for going back can be removed by hand.",
  };
}
