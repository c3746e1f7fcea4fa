import { sha256 } from "../../adapters/hash.ts";
import type { RegistryClient } from "../../adapters/registry/registry.ts";
import { ColdtivateError } from "../../errors.ts";
import type { Revision } from "../../git/revision.ts";
import type { UnchangedImage } from "../../content/content-plan.ts";
import type { ContentInput } from "../../content/content-digest.ts";
import { summariseInputs, writeRecord, type ContentRecord } from "../../content/content-record.ts";
import { configurationOf } from "../../images/manifest.ts";
import { allTags, pinnedImage, revisionTags, taggedImage } from "../../images/image-tags.ts";
import type { Reporter } from "../../report/progress.ts";
import { readRecordAt } from "../observe/look-up.ts";
import { recordBuilds, type RegisteredImage } from "./record-builds.ts";

export interface RecordTools {
  registryImage: string;
  registry: RegistryClient;
  revision: Revision;
  reporter: Reporter;
}

/** An image in the registry whose content is known. */
export interface PushedContent {
  name: string;
  tag: string;
  inputs: readonly ContentInput[];
  /** The reference that was pushed, with its digest if that is known. */
  reference: string;
  /** The digest of its configuration. Set if nothing else distinguishes the image from others. */
  configuration?: string | undefined;
  commit?: string | undefined;
  /** Whether it replaces another image that is recorded for this content. */
  replaces: boolean;
}

/** How long an answer counts as current, in milliseconds. */
const fresh = 5000;

/** The tag that records what the last build of a ref was made of. */
export function inputsTag({ slug }: Revision): string {
  return slug === undefined ? "inputs" : `inputs-${slug}`;
}

/**
 * Puts the manifests of images that the registry has already under the release's tags, byte for byte. No layer moves, and the
 * digest stays the same.
 * @param present the current digests of the tags; correct tags are left alone
 * @param asked when `present` was requested, in milliseconds since the epoch
 * @param fate what happens to images that the registry no longer has completely, for the warning
 * @returns the names of those images
 * @throws ColdtivateError PUSH_FAILED
 */
export async function retag(
  images: readonly UnchangedImage[],
  present: ReadonlyMap<string, string>,
  { registryImage, registry, revision, reporter }: RecordTools,
  { asked, fate }: { asked: number; fate: string },
): Promise<string[]> {
  const lost: string[] = [];
  const put = async ({ name, record }: UnchangedImage): Promise<boolean> => {
    const tags = allTags(revisionTags(registryImage, name, revision)).filter((tag) => present.get(tag) !== record.image.digest);
    try {
      await Promise.all(tags.map((tag) => registry.putManifest(tag, record.image)));
      return true;
    } catch (error) {
      if (!(error instanceof ColdtivateError)) throw error;
      if (error.code !== "MANIFEST_REFUSED") throw notTagged(name, error);
      reporter.emit({ type: "warning", text: `${name} is not whole in the registry, and ${fate}: ${error.message}` });
      lost.push(name);
      return false;
    }
  };
  const writing = images.map((image) => ({ ...image, written: put(image) }));
  const ofCommit = (name: string) => present.get(revisionTags(registryImage, name, revision).commit);
  const named = writing.filter(({ name, record }) => ofCommit(name) !== record.image.digest);
  const built = named.map(({ name, record: { image }, written }) => ({
    name,
    digest: image.digest,
    manifest: image,
    // A hook may have run for a while since then.
    isFirst: ofCommit(name) === undefined && Date.now() - asked < fresh,
    // The write itself reports what goes wrong.
    written: written.catch(() => false),
  }));
  await Promise.all([...writing.map(({ written }) => written), noteBuilds(built, { registryImage, registry, revision, reporter })]);
  // If the ref's tag already names this image, a new commit with the same content adds nothing.
  const moved = images.filter(({ name, record }) => {
    const { ref, commit } = revisionTags(registryImage, name, revision);
    return !lost.includes(name) && revision.slug !== undefined && present.get(ref ?? commit) !== record.image.digest;
  });
  await Promise.all(moved.map((image) => noteInputs(image, { registryImage, registry, revision, reporter })));
  return lost;
}

/** A pushed image, and the names that it still has to get. */
export interface NamedLater {
  name: string;
  digest?: string | undefined;
  laterTags?: readonly string[];
}

/**
 * Checks that the registry has the images as they were pushed, then puts their manifests under the remaining names, byte for
 * byte. One image's failure does not stop the others.
 * @throws ColdtivateError PUSH_FAILED
 */
export async function putLaterTags(
  images: readonly NamedLater[],
  { registryImage, registry }: Pick<RecordTools, "registryImage" | "registry">,
): Promise<void> {
  const put = async ({ name, digest, laterTags = [] }: NamedLater) => {
    try {
      const manifest = digest === undefined ? undefined : await registry.manifestOf(pinnedImage(registryImage, name, digest));
      if (manifest === undefined) return [name];
      await settleAll(laterTags.map((tag) => registry.putManifest(tag, manifest)));
      return [];
    } catch (error) {
      throw error instanceof ColdtivateError ? notTagged(name, error) : error;
    }
  };
  const vanished = (await settleAll(images.map(put))).flat();
  if (vanished.length > 0) throw notThere(vanished);
}

/** Waits until all promises have settled. Returns their results, or rejects with the first failure. */
async function settleAll<Result>(work: readonly Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

/** Records beside the images which of them belong to the commit. */
export async function noteBuilds(
  images: readonly RegisteredImage[],
  { registryImage, registry, revision, reporter }: RecordTools,
): Promise<void> {
  const options = { registryImage, commit: revision.commit, now: new Date() };
  for (const text of await recordBuilds(images, options, registry)) reporter.emit({ type: "warning", text });
}

/** Makes pushed images findable by their content. If that fails, it only warns: the image is built again the next time. */
export async function recordContent(images: readonly PushedContent[], built: number, tools: RecordTools): Promise<void> {
  const { registryImage, registry, revision, reporter } = tools;
  const record = async ({ name, tag, inputs, reference, configuration, commit, replaces }: PushedContent) => {
    try {
      const place = taggedImage(registryImage, name, tag);
      // Another pipeline may have been faster with the same content. Then its image stays.
      if (!replaces && (await readRecordAt(place, registry)) !== undefined) return undefined;
      const image = await registry.manifestOf(reference);
      // By now the tag may name another build of the same commit.
      if (image === undefined || (configuration !== undefined && configurationOf(image.bytes.toString()) !== configuration))
        return undefined;
      const about: ContentRecord = {
        tag,
        image,
        built,
        revision: revision.commit,
        ...(commit !== undefined && { commit }),
        inputs: summariseInputs(inputs, sha256),
      };
      await registry.putManifest(place, writeRecord(about, sha256));
      return { name, record: about };
    } catch (error) {
      if (!(error instanceof ColdtivateError)) throw error;
      reporter.emit({ type: "warning", text: `${name} is pushed, but will be built again: ${error.message}` });
      return undefined;
    }
  };
  await Promise.all(
    images.map(async (image) => {
      const recorded = await record(image);
      if (recorded !== undefined) await noteInputs(recorded, tools);
    }),
  );
}

/** Records what a ref's image is made of now. Only `--explain` reads this, so a failure is just a warning. */
async function noteInputs({ name, record }: UnchangedImage, { registryImage, registry, revision, reporter }: RecordTools): Promise<void> {
  try {
    await registry.putManifest(taggedImage(registryImage, name, inputsTag(revision)), writeRecord(record, sha256));
  } catch (error) {
    if (!(error instanceof ColdtivateError)) throw error;
    reporter.emit({ type: "warning", text: `${name}: --explain will not know of this build: ${error.message}` });
  }
}

function notThere(names: readonly string[]): ColdtivateError {
  return new ColdtivateError(`${names.join(", ")}: not in the registry as pushed`, {
    code: "PUSH_FAILED",
    exit: "failed",
    hint: "What serves is as it was. Somebody may have removed it since, or the builder pushes to another registry of that name: run the command again.",
  });
}

function notTagged(name: string, cause: ColdtivateError): ColdtivateError {
  return new ColdtivateError(`${name}: its image is in the registry, but could not be given the release's tags`, {
    code: "PUSH_FAILED",
    exit: "failed",
    details: [cause.message, ...cause.details],
    hint: "What serves is as it was. See that the registry is up and that its user may write there, then run the command again.",
    cause,
  });
}
