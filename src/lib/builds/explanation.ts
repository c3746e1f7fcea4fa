import type { ChangedImage } from "../content/content-plan.ts";
import type { ContentRecord } from "../content/content-record.ts";
import { shortCommit } from "../git/slug.ts";

/** What is known about the last build of a ref's image. */
export interface LastBuild {
  record: ContentRecord;
  /** Files that changed since that build, as far as the clone can tell. */
  files?: readonly string[] | undefined;
}

/** Why an image is built, in one line. */
export function explainBuild(
  { name, cause, content }: ChangedImage,
  { last, current, ref }: { last?: LastBuild | undefined; current: Record<string, string>; ref?: string | undefined },
): string {
  switch (cause.kind) {
    case "dirty":
      return `${name} is built: ${cause.file} is not committed`;
    case "untold":
      return `${name} is always built: ${cause.reason}`;
    case "forced":
      return `${name} is built: that was asked for`;
    case "expired":
      return `${name} is built: what the registry has was built at ${timeOf(cause.record)}, longer ago than content.ttl allows`;
    case "incomplete":
      return `${name} is built: the registry no longer has all of it`;
    default:
      if (last === undefined) return `${name} is built: nothing is known of an earlier build${ref === undefined ? "" : ` for ${ref}`}`;
      return `${name} is built: ${describeChanges(last, current, content?.tag ?? "")}`;
  }
}

/** Why an image is not built, in one line. */
export function explainUnchanged({ name, record }: { name: string; record: ContentRecord }): string {
  return `${name} is unchanged since ${shortCommit(record.revision)}, built at ${timeOf(record)}: ${record.tag}`;
}

function describeChanges({ record, files }: LastBuild, current: Record<string, string>, tag: string): string {
  const since = `since ${shortCommit(record.revision)}`;
  const names = [...new Set([...Object.keys(record.inputs), ...Object.keys(current)])];
  const changed = names.filter((name) => record.inputs[name] !== current[name]).toSorted();
  if (changed.length === 0) return `nothing changed ${since}, but the registry has no ${tag}`;
  const others = changed.filter((name) => !isAboutFiles(name));
  const shown = files === undefined || files.length === 0 ? changed : [...listed(files), ...others];
  return `changed ${since}: ${shown.join(", ")}`;
}

/** Whether the names of changed files already show that this input changed. */
function isAboutFiles(name: string): boolean {
  return name === "the Dockerfile" || name.startsWith("the context ") || name.startsWith("what the context ");
}

function listed(files: readonly string[]): string[] {
  return files.length > 5 ? [...files.slice(0, 4), `${files.length - 4} more files`] : [...files];
}

function timeOf({ built }: ContentRecord): string {
  return new Date(built).toISOString().slice(0, 16).replace("T", " ");
}
