import type { Leftover } from "../../images/prune-plan.ts";
import { formatTable } from "../../report/table.ts";
import { shortOwnDigest } from "../build-table.ts";

/** Formats images that nobody needs any more as a table, one per line. */
export function formatLeftovers(registryImage: string, leftovers: readonly Leftover[]): string {
  const rows = leftovers.map(({ name, digest, builtAt, tags }) => [
    name,
    shortOwnDigest(digest),
    builtAt === undefined ? "" : new Date(builtAt).toISOString().slice(0, 10),
    tags.map(shorten).join(", "),
  ]);
  return `${registryImage}/\n${formatTable(["image", "digest", "built", "tags"], rows)}`;
}

function shorten(tag: string): string {
  return tag.replace(/^((?:content|built)-[0-9a-f]{8})[0-9a-f]{32}$/, "$1…");
}
