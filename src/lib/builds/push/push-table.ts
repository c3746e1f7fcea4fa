import { formatTable } from "../../report/table.ts";
import { shortOwnDigest } from "../build-table.ts";
import type { PushedImage } from "./run-push.ts";

/** Formats the result of a push: the images that were pushed, one per line, and those that the registry already had. */
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
