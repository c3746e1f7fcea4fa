import type { BuildConfig, ImageConfig } from "../config/schema/config.ts";
import { findBaseImages, type BaseImages } from "./base-images.ts";
import { absentFrom, describeFile, describeFolder, ignoreFileOf, ignoreFilesOf, Untold, type FileIndex } from "./content-files.ts";
import { foldersOf } from "./image-inputs.ts";
import { joinPaths } from "../common/path.ts";

/** Increase it when the same inputs start to mean a different image. */
const schemaVersion = 1;

/** How many digits of the digest a content tag has. */
const digits = 40;

/** SHA-256, in hexadecimal digits. */
export type Hash = (content: string | Uint8Array) => string;

/** One of the inputs that determine an image. */
export interface ContentInput {
  /** A name that people understand: `Gateway/Dockerfile`, `the base image debian:bookworm-slim`. */
  name: string;
  value: string;
}

/**
 * What an image is made of, and the tag that finds it. Or the reason why that is unknown, so that the image is always built. If
 * `absent` is set, a submodule is not checked out, and what is built without it is a different image.
 */
export type Content =
  | { name: string; tag: string; inputs: ContentInput[]; absent?: string; reason?: never }
  | { name: string; tag?: never; inputs?: never; absent?: never; reason: string };

/** What determines an image, apart from files and base images. */
export type ImageSource = Pick<ImageConfig, "name" | "context" | "dockerfile" | "target" | "contexts"> & {
  args: Record<string, string>;
  platforms: readonly string[];
  /** The platform that it is built for if none is named. */
  platform: string;
  /** The attestations attached to the image, if any. */
  attestations?: string;
};

/**
 * Build arguments that say when and from which commit an image was built. They follow from the inputs, so they are no inputs
 * themselves.
 */
const derived = new Set(["COMMIT", "SOURCE_DATE_EPOCH"]);

/**
 * Fills in the settings that apply to all images.
 * @param platform the platform that it is built for if none is named
 */
export function sourceOf(
  image: ImageConfig,
  { args, platforms, provenance, sbom }: Pick<BuildConfig, "args" | "platforms" | "provenance" | "sbom">,
  platform: string,
): ImageSource {
  const attestations = [provenance && `provenance ${provenance}`, sbom !== undefined && `sbom ${sbom}`].filter(Boolean).join(", ");
  return { ...image, args: { ...args, ...image.args }, platforms, platform, ...(attestations !== "" && { attestations }) };
}

/** The files whose text is needed: the Dockerfile and the ignore files. */
export function textsOf({ context, dockerfile, contexts }: ImageSource): string[] {
  const file = joinPaths(context, dockerfile);
  return [file, ...ignoreFilesOf(context, file), ...foldersOf(contexts).flatMap(([, path]) => ignoreFilesOf(path, undefined))];
}

/** The images that a build starts from. */
export function basesOf(source: ImageSource, texts: ReadonlyMap<string, string>): BaseImages {
  const { context, dockerfile, args, platforms, contexts = {} } = source;
  const found = findBaseImages(texts.get(joinPaths(context, dockerfile)) ?? "", { args, platforms, contexts: Object.keys(contexts) });
  return { ...found, references: [...new Set([...found.references, ...imagesOf(contexts).map(([, reference]) => reference)])] };
}

/**
 * Describes the content of an image: its inputs, and a tag. The same inputs give the same tag, whatever the commit, the clone and
 * the time.
 * @param bases digests of the images that it builds on, by reference; those that cannot be resolved are missing
 */
export function describeContent(source: ImageSource, files: FileIndex, bases: ReadonlyMap<string, string>, hash: Hash): Content {
  const { name } = source;
  const inputs = inputsOfSource(source, files, bases, hash);
  if (inputs instanceof Untold) return { name, reason: inputs.reason };
  const ordered = inputs.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const text = JSON.stringify([schemaVersion, ordered.map((input) => [input.name, input.value])]);
  const absent = findAbsent(source, files);
  return { name, tag: `content-${hash(text).slice(0, digits)}`, inputs: ordered, ...(absent !== undefined && { absent }) };
}

function inputsOfSource(source: ImageSource, files: FileIndex, bases: ReadonlyMap<string, string>, hash: Hash): ContentInput[] | Untold {
  const { context, dockerfile, contexts = {}, args, target, attestations } = source;
  const platforms = source.platforms.length > 0 ? source.platforms : [source.platform];
  const file = joinPaths(context, dockerfile);
  const { references, unknown } = basesOf(source, files.texts);
  if (unknown.length > 0) return new Untold(`the name of its base image ${unknown.join(", ")} is not known before the build`);
  const missing = references.filter((reference) => !bases.has(reference));
  if (missing.length > 0) return new Untold(`the registry does not say what ${missing.join(", ")} is`);

  const floating = Object.entries(contexts).find(([, value]) => isFloating(value));
  if (floating !== undefined) return new Untold(`what the context ${floating[0]} holds is known to whoever serves it alone`);

  const found = [
    describeDockerfile(file, files),
    ...describeContext(`the context ${context}`, context, file, files, hash),
    ...foldersOf(contexts).flatMap(([key, path]) => describeContext(`the context ${key} (${path})`, path, undefined, files, hash)),
  ];
  const untold = found.find((each) => each instanceof Untold);
  if (untold !== undefined) return untold;
  return [
    ...found.filter((each): each is ContentInput => !(each instanceof Untold)),
    ...Object.entries(contexts).map(([key, value]) => ({ name: `the setting of the context ${key}`, value })),
    ...Object.entries(args).flatMap(([key, value]) => (derived.has(key) ? [] : [{ name: `the argument ${key}`, value }])),
    ...(target === undefined ? [] : [{ name: "the target", value: target }]),
    { name: "the platforms", value: [...new Set(platforms)].toSorted().join(" ") },
    ...(attestations === undefined ? [] : [{ name: "the attestations", value: attestations }]),
    ...references.map((reference) => ({ name: `the base image ${reference}`, value: bases.get(reference) ?? "" })),
  ];
}

function findAbsent(source: ImageSource, files: FileIndex): string | undefined {
  const found = contextsOf(source).map(([folder, file]) => absentFrom(folder, ignoreFileOf(folder, file, files), files));
  return found.find((path) => path !== undefined);
}

/** The folders that an image's build gets, each with the Dockerfile that may have an ignore file of its own. */
export function contextsOf({
  context,
  dockerfile,
  contexts,
}: Pick<ImageSource, "context" | "dockerfile" | "contexts">): [folder: string, dockerfile?: string][] {
  return [[context, joinPaths(context, dockerfile)], ...foldersOf(contexts).map(([, path]): [string] => [path])];
}

function describeDockerfile(file: string, files: FileIndex): ContentInput | Untold {
  const described = describeFile(file, files);
  if (described === undefined) return new Untold(`${file} is not there`);
  return described instanceof Untold ? described : { name: "the Dockerfile", value: described.join("\0") };
}

function describeContext(
  name: string,
  folder: string,
  dockerfile: string | undefined,
  files: FileIndex,
  hash: Hash,
): (ContentInput | Untold)[] {
  const ignoreFile = ignoreFileOf(folder, dockerfile, files);
  const ignore = ignoreFile === undefined ? undefined : describeFile(ignoreFile, files);
  if (ignore instanceof Untold) return [ignore];
  const lines = describeFolder(folder, ignoreFile, files);
  if (lines instanceof Untold) return [lines];
  return [
    { name, value: hash(lines.join("\n")) },
    ...(ignore === undefined ? [] : [{ name: `what ${name} leaves out`, value: ignore.join("\0") }]),
  ];
}

/**
 * Whether a context is an address that may hold something else tomorrow. An image does not count, because its digest is an input,
 * nor does a Git address with a commit.
 */
function isFloating(value: string): boolean {
  return /^[a-z+.-]+:/i.test(value) && !value.startsWith("docker-image://") && !/#[0-9a-f]{40}(?::|$)/.test(value);
}

/** Additional contexts that are images. */
function imagesOf(contexts: Readonly<Record<string, string>>): [name: string, reference: string][] {
  const scheme = "docker-image://";
  return Object.entries(contexts).flatMap(([name, value]) => (value.startsWith(scheme) ? [[name, value.slice(scheme.length)]] : []));
}
