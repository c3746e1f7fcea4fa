import type { ImageConfig } from "../config/schema/config.ts";
import { findBase } from "./base-images.ts";

export interface ChainInput {
  /** The project's images, by name. */
  images: Readonly<Record<string, Pick<ImageConfig, "args" | "contexts" | "target">>>;
  /** The prefix that their names share in references: `registry.example.com/group/backend`. */
  registryImage: string;
  /** Build arguments of every image. */
  args: Readonly<Record<string, string>>;
  /** Dockerfiles, by image name. One that could not be read is missing. */
  dockerfiles: ReadonlyMap<string, string>;
}

/** The images that a project image is built from, nearest first. Follows the chain through other images of the project. */
export function baseChain(name: string, input: ChainInput): string[] {
  const chain: string[] = [];
  const visited = new Set<string>();
  for (let current: string | undefined = name; current !== undefined && !visited.has(current);) {
    visited.add(current);
    const base = baseOf(current, input);
    if (base === undefined) break;
    chain.push(base);
    current = ownName(base, input);
  }
  return chain;
}

function baseOf(name: string, { images, args, dockerfiles }: ChainInput): string | undefined {
  const [text, image] = [dockerfiles.get(name), images[name]];
  if (text === undefined || image === undefined) return undefined;
  const written = findBase(text, { args: { ...args, ...image.args }, target: image.target });
  if (written === undefined) return undefined;
  const [, context] = Object.entries(image.contexts ?? {}).find(([alias]) => alias.toLowerCase() === written.toLowerCase()) ?? [];
  if (context === undefined) return written;
  // An additional context may be an image, an image of the project, or a folder. A folder is no base image.
  const [, kind, rest = ""] = /^(docker-image:\/\/|target:)(.+)$/.exec(context) ?? [];
  return kind === undefined ? undefined : rest;
}

/** The name in coldtivate.yml of the project image that a reference means, if any. */
function ownName(reference: string, { images, registryImage }: ChainInput): string | undefined {
  return Object.keys(images).find((name) => {
    const repository = `${registryImage}/${name}`;
    return (
      reference === name || reference === repository || reference.startsWith(`${repository}:`) || reference.startsWith(`${repository}@`)
    );
  });
}
