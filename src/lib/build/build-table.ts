import { formatDuration } from "../report/duration.ts";
import { formatTable } from "../report/table.ts";
import type { BuiltImage } from "./run-build.ts";

/** The images that were built, one a line, under what their names start with. */
export function formatBuild(registryImage: string, images: readonly BuiltImage[]): string {
  const rows = images.map(({ name, tags, digest, milliseconds, steps, cachedSteps }) => [
    name,
    tags.map((tag) => tag.slice(tag.lastIndexOf(":") + 1)).join(", "),
    shortDigest(digest),
    formatDuration(milliseconds),
    steps === 0 ? "" : `${cachedSteps} of ${steps}`,
  ]);
  return `${registryImage}/\n${formatTable(["image", "tags", "digest", "time", "cached"], rows)}`;
}

/** As much of a digest as people compare. */
export function shortDigest(digest: string | undefined): string {
  return digest?.slice(0, "sha256:".length + 8) ?? "";
}
