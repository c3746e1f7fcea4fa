import { formatDuration } from "../report/duration.ts";
import { formatTable } from "../report/table.ts";
import type { BuiltImage } from "./run/run-build.ts";

/** Formats the built images as a table, one per line, below the prefix that their names share. */
export function formatBuild(registryImage: string, images: readonly BuiltImage[]): string {
  const rows = images.map(({ name, tags, digest, milliseconds, steps, cachedSteps, unchanged }) => [
    name,
    tags.map(shortTag).join(", "),
    shortOwnDigest(digest),
    unchanged ? "unchanged" : formatDuration(milliseconds),
    steps === 0 ? "" : `${cachedSteps} of ${steps}`,
  ]);
  return `${registryImage}/\n${formatTable(["image", "tags", "digest", "time", "cached"], rows)}`;
}

/** Drops the image name from a tag, and shortens a content tag to as many digits as people compare. */
function shortTag(name: string): string {
  return name.slice(name.lastIndexOf(":") + 1).replace(/^(content-[0-9a-f]{8})[0-9a-f]+$/, "$1");
}

/** Shortens a digest to as many digits as people compare. */
export function shortOwnDigest(digest: string | undefined): string {
  return digest?.slice(0, "sha256:".length + 8) ?? "";
}
