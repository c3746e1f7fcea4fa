import { isDigest, isMediaType } from "../common/forms.ts";
import { parseJson } from "../common/plain.ts";

/** A build of an image, as its record names it. */
export interface RecordedBuild {
  digest: string;
  mediaType: string;
  /** Bytes of the manifest. */
  size: number;
  /** ISO 8601, UTC. */
  createdAt: string;
}

export interface BuildRecord {
  /** All 40 characters. */
  commit: string;
  /** Every build of that commit, the newest last. */
  builds: RecordedBuild[];
}

/** An index of the builds: registries keep what an index names, and Docker can pull it. */
export const recordType = "application/vnd.oci.image.index.v1+json";

const created = "org.opencontainers.image.created";
const revision = "org.opencontainers.image.revision";

/** The tag under which a commit's record is kept, beside the image. */
export function recordTag(commit: string): string {
  return `built-${commit}`;
}

/** Whether a tag is one under which records are kept. */
export function isRecordTag(tag: string): boolean {
  return /^built-[0-9a-f]{40}$/.test(tag);
}

/** Adds a build to a commit's record, unless the record has it already. */
export function addBuild({ commit, builds }: BuildRecord, build: RecordedBuild): BuildRecord {
  return builds.some(({ digest }) => digest === build.digest) ? { commit, builds } : { commit, builds: [...builds, build] };
}

/** The record as the registry keeps it. */
export function formatRecord({ commit, builds }: BuildRecord): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: recordType,
    manifests: builds.map(({ createdAt, ...descriptor }) => ({ ...descriptor, annotations: { [created]: createdAt } })),
    annotations: { [revision]: commit },
  });
}

/** Reads what the registry keeps. Returns undefined if it is no record. */
export function parseRecord(text: string): BuildRecord | undefined {
  const { manifests, annotations } = asObject(parseJson(text));
  const commit = asObject(annotations)[revision];
  if (typeof commit !== "string" || !Array.isArray(manifests)) return undefined;
  const builds = manifests.map(asObject).flatMap(({ digest, mediaType, size, annotations: its }): RecordedBuild[] => {
    const createdAt = asObject(its)[created];
    if (typeof digest !== "string" || typeof mediaType !== "string" || typeof size !== "number") return [];
    if (!isDigest(digest) || !isMediaType(mediaType)) return [];
    return [{ digest, mediaType, size, createdAt: typeof createdAt === "string" ? createdAt : "" }];
  });
  return { commit, builds };
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
