import { formatTable } from "../../report/table.ts";
import { shortOwnDigest } from "../build-table.ts";
import type { PushedImage } from "./run-push.ts";

/** What a push came to: the images that went, one a line, and how many were there. */
export function formatPush(registryImage: string, pushed: readonly PushedImage[], present: readonly string[]): string {
  const there = `The registry has ${pushed.length === 0 ? "it all" : present.join(", ")} already.`;
  if (pushed.length === 0) return `${there} Nothing to push.`;
  const rows = pushed.map(({ name, tags, digest, unchanged }) => [
    name,
    tags.map((tag) => tag.slice(tag.lastIndexOf(":") + 1)).join(", "),
    shortOwnDigest(digest),
    unchanged ? "unchanged" : "",
  ]);
  return [`${registryImage}/`, formatTable(["image", "tags", "digest", ""], rows), ...(present.length === 0 ? [] : [there])].join("\n");
}
