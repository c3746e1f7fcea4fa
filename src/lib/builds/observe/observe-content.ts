import { isFolder, listBelow, readTexts } from "../../adapters/git/git-inputs.ts";
import { sha256 } from "../../adapters/hash.ts";
import { ownPlatform } from "../../adapters/machine.ts";
import type { RegistryClient } from "../../adapters/registry/registry.ts";
import type { Config, ImageConfig } from "../../config/schema/config.ts";
import { ColdtivateError } from "../../errors.ts";
import { basesOf, contextsOf, describeContent, sourceOf, textsOf, type Content, type ImageSource } from "../../content/content-digest.ts";
import { ignoreFileOf, ignoresOf, indexFiles, relativeTo, type FileIndex } from "../../content/content-files.ts";
import { copiesContext } from "../../content/dockerfile.ts";
import { isWithin, joinPaths } from "../../common/path.ts";
import type { Checkout } from "./prepare-build.ts";

/** What the images are made of. */
export interface ObservedContent {
  contents: Content[];
  sources: ImageSource[];
  /** Dockerfiles and ignore files, by path. */
  texts: ReadonlyMap<string, string>;
  /** By reference: digests of base images. */
  bases: ReadonlyMap<string, string>;
  /** Why base images could not be resolved, by reference. */
  troubles: ReadonlyMap<string, string>;
  /** Images whose build gets the clone's own .git, which does not count as content. */
  withGit: string[];
}

/** Lists the base images to ask a registry for, read from the Dockerfiles in the working directory. */
export function basesNamedBy(config: Config, images: readonly ImageConfig[]): string[] {
  const sources = images.map((image) => sourceOf(image, config.build, ownPlatform));
  return namedBy(sources, readTexts(config.directory, sources.flatMap(textsOf))).filter((reference) => !pinned.test(reference));
}

function namedBy(sources: readonly ImageSource[], texts: ReadonlyMap<string, string>): string[] {
  return [...new Set(sources.flatMap((source) => basesOf(source, texts).references))];
}

const pinned = /@(sha256:[0-9a-f]{64})$/;

/** Works out the content of every image, from one Git query and one registry request per base image. */
export async function observeContent(
  config: Config,
  images: readonly ImageConfig[],
  { tree }: Pick<Checkout, "tree">,
  registry: Pick<RegistryClient, "digestOf">,
): Promise<ObservedContent> {
  const sources = images.map((image) => sourceOf(image, config.build, ownPlatform));
  const texts = readTexts(config.directory, sources.flatMap(textsOf));
  const { bases, troubles } = await resolveBases(namedBy(sources, texts), registry);
  const folders = sources.flatMap((source) => contextsOf(source).map(([folder]) => folder));
  const index = indexFiles({ ...tree, texts, unseen: [] }, folders);
  const files = { ...index, unseen: await listUnseen(config.directory, sources, tree.ignored, index) };
  const contents = sources.map((source) => describeContent(source, files, bases, sha256));
  return { contents, sources, texts, bases, troubles, withGit: findWithGit(config.directory, sources, files) };
}

function findWithGit(directory: string, sources: readonly ImageSource[], files: FileIndex): string[] {
  return sources.flatMap(({ name, context, dockerfile }) => {
    const file = joinPaths(context, dockerfile);
    const isCopied = copiesContext(files.texts.get(file) ?? "") && !ignoresOf(ignoreFileOf(context, file, files), files)(".git");
    return isCopied && isFolder(directory, joinPaths(context, ".git")) ? [name] : [];
  });
}

/** Resolves each reference to the digest that BuildKit will use. References that no registry knows are missing from `bases`. */
async function resolveBases(references: readonly string[], registry: Pick<RegistryClient, "digestOf">) {
  const bases = new Map<string, string>();
  const troubles = new Map<string, string>();
  const resolve = async (reference: string) => {
    const [, known] = pinned.exec(reference) ?? [];
    try {
      const digest = known ?? (await registry.digestOf(reference));
      if (digest === undefined) troubles.set(reference, "the registry does not have it");
      else bases.set(reference, digest);
    } catch (error) {
      if (!(error instanceof ColdtivateError)) throw error;
      troubles.set(reference, error.message);
    }
  };
  await Promise.all(references.map(resolve));
  return { bases, troubles };
}

/** Lists the files that Git ignores but a build may get. Does not look into folders that an ignore file leaves out. */
async function listUnseen(
  directory: string,
  sources: readonly ImageSource[],
  ignored: readonly string[],
  files: FileIndex,
): Promise<string[]> {
  const contexts = sources.flatMap(contextsOf);
  const matters = (path: string) =>
    contexts.some(([folder, dockerfile]) => {
      if (!isWithin(path, folder)) return false;
      const ignores = ignoresOf(ignoreFileOf(folder, dockerfile, files), files);
      return ignores.hasExceptions || !ignores(relativeTo(folder, path));
    });
  const found = await Promise.all(
    ignored.map(async (path) => {
      if (!path.endsWith("/")) return [path];
      const folder = path.slice(0, -1);
      return matters(folder) ? listBelow(directory, folder) : [];
    }),
  );
  return found.flat();
}
