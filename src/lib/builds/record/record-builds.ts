import type { RegistryClient } from "../../adapters/registry/registry.ts";
import type { StoredManifest } from "../../common/forms.ts";
import { ColdtivateError } from "../../errors.ts";
import { addBuild, formatRecord, parseRecord, recordTag, recordType, type BuildRecord } from "../../images/build-record.ts";
import { repositoryOfImage } from "../../images/image-tags.ts";

/** An image that is in the registry for a commit. */
export interface RegisteredImage {
  name: string;
  digest: string;
  /** The image's manifest, if it is already known. */
  manifest?: StoredManifest;
  /** Whether the commit had no image in the registry until just now. Then no earlier record has to be preserved. */
  isFirst?: boolean;
  /**
   * Set if the image is still being written: whether that succeeded. Until then the registry may not find what the record refers
   * to.
   */
  written?: Promise<boolean>;
}

export interface RecordOptions {
  /** The prefix that the images' names share. */
  registryImage: string;
  /** The commit that is released, all 40 characters. */
  commit: string;
  now: Date;
}

/**
 * Records beside each image which digest was built for a commit. A deploy can then find that image whatever its tag names by
 * then.
 *
 * @returns warnings about images without a record, which can still be deployed
 */
export async function recordBuilds(
  images: readonly RegisteredImage[],
  { registryImage, commit, now }: RecordOptions,
  registry: RegistryClient,
): Promise<string[]> {
  const told = await Promise.all(
    images.map(async ({ name, ...image }) => {
      const repository = repositoryOfImage(registryImage, name);
      try {
        await recordBuild({ repository, ...image, commit, now }, registry);
        return [];
      } catch (error) {
        if (!(error instanceof ColdtivateError)) throw error;
        return [`${name}: the registry keeps no record of this build (${[error.message, ...error.details].join("; ")})`];
      }
    }),
  );
  return told.flat();
}

interface Recording extends Omit<RegisteredImage, "name"> {
  repository: string;
  commit: string;
  now: Date;
}

async function recordBuild(recording: Recording, registry: RegistryClient): Promise<void> {
  const { repository, digest, manifest, isFirst = false, written, commit, now } = recording;
  const reference = `${repository}:${recordTag(commit)}`;
  const none: BuildRecord = { commit, builds: [] };
  const [known, image, isThere] = await Promise.all([
    isFirst ? none : readRecord(reference, commit, registry),
    manifest ?? registry.manifestOf(`${repository}@${digest}`),
    written ?? true,
  ]);
  if (!isThere || image === undefined || known.builds.some((build) => build.digest === digest)) return;
  const { mediaType, bytes } = image;
  const build = { digest, mediaType, size: bytes.length, createdAt: now.toISOString() };
  const put = (record: BuildRecord) => registry.putManifest(reference, { mediaType: recordType, bytes: Buffer.from(formatRecord(record)) });
  try {
    await put(addBuild(known, build));
  } catch (error) {
    // The registry may no longer have an older build that the record names.
    if (known.builds.length === 0 || !(error instanceof ColdtivateError) || error.code !== "MANIFEST_REFUSED") throw error;
    await put(addBuild(none, build));
  }
}

async function readRecord(reference: string, commit: string, registry: RegistryClient): Promise<BuildRecord> {
  const stored = await registry.manifestOf(reference);
  return (stored && parseRecord(stored.bytes.toString())) ?? { commit, builds: [] };
}
