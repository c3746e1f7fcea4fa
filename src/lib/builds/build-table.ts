import { formatDuration } from "../report/duration.ts";
import { formatTable } from "../report/table.ts";
import type { BuiltImage } from "./run/run-build.ts";

/** The images that were built, one a line, under what their names start with. */
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

/** A tag without its name, and of a content's tag as much as people compare. */
function shortTag(name: string): string {
  return name.slice(name.lastIndexOf(":") + 1).replace(/^(content-[0-9a-f]{8})[0-9a-f]+$/, "$1");
}

/** As much of a digest as people compare. */
export function shortOwnDigest(digest: string | undefined): string {
  return digest?.slice(0, "sha256:".length + 8) ?? "";
}
