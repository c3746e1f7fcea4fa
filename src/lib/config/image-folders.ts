import { realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { kindOf } from "../common/file.ts";
import { asMapping } from "../common/plain.ts";
import type { Path, Problem } from "../common/problem.ts";
import { topOf } from "./repository-top.ts";
import { isMissingSubmodule } from "./submodules.ts";

export interface ImageScope {
  /** The configuration's folder, absolute. */
  directory: string;
  /** Whether the value at a path refers to an unset variable that nobody needs now. */
  isUnresolved: (path: Path) => boolean;
  /** Absolute paths. */
  submodules: readonly string[];
}

/** The sources of an image, as written. */
interface WrittenImage {
  context?: unknown;
  dockerfile?: unknown;
  contexts?: unknown;
}

/**
 * What buildx treats as an address, and not as a folder (build/opt.go and util/buildflags of docker/buildx). Case counts. It would
 * treat anything else that looks like an address as a folder.
 */
const address = /^(?:docker-image|https?|git|ssh):\/\/|^target:|^git@[\w.-]+:|^github\.com\//;
const layout = /^oci-layout:\/\//;

/** Reports folders and Dockerfiles of an image that do not exist, or that a build would read from outside the repository. */
export function checkImage(name: string, image: WrittenImage, scope: ImageScope): Problem[] {
  return [...checkContext(name, image, scope), ...checkContexts(name, image, scope)];
}

function checkContext(name: string, { context, dockerfile }: WrittenImage, { directory, isUnresolved, submodules }: ImageScope): Problem[] {
  const at = (key: string, message: string): Problem[] => [{ path: ["images", name, key], message }];
  if (typeof context !== "string" || isUnresolved(["images", name, "context"])) return [];
  const folder = resolve(directory, context);
  if (!isBelow(folder, directory)) return at("context", `${context} is outside the folder of this file`);
  if (isMissingSubmodule(folder, submodules)) return [];
  if (kindOf(folder) !== "folder") return at("context", `there is no folder ${context}`);
  const out = wayOut(folder, directory);
  if (out !== undefined) return at("context", `${context} leads out of the repository, to ${out}`);
  const file = dockerfile ?? "Dockerfile";
  if (typeof file !== "string" || isUnresolved(["images", name, "dockerfile"])) return [];
  const key = dockerfile === undefined ? "context" : "dockerfile";
  if (isAbsolute(file)) return at(key, `${file} is an absolute path: write it relative to the context`);
  if (kindOf(join(folder, file)) !== "file") return at(key, `there is no file ${join(context, file)}`);
  const left = wayOut(join(folder, file), directory);
  return left === undefined ? [] : at(key, `${join(context, file)} leads out of the repository, to ${left}`);
}

function checkContexts(name: string, { contexts }: WrittenImage, { directory, isUnresolved }: ImageScope): Problem[] {
  return Object.entries(asMapping(contexts)).flatMap(([key, written]): Problem[] => {
    const path = ["images", name, "contexts", key];
    if (typeof written !== "string" || isUnresolved(path)) return [];
    // Some versions treat an address that they cannot parse as a folder. Its parts may be folders of the commit.
    if (address.test(written)) {
      if (kindOf(`${directory}/${written}`) === undefined) return [];
      return [{ path, message: `${written} is an address, and there is a folder of that name, too: rename the folder` }];
    }
    const isLayout = layout.test(written);
    // A tag and a digest may follow the folder of an OCI layout.
    const value = isLayout ? written.replace(layout, "").replace(/[:@].*$/s, "") : written;
    if (!isLayout && /^[a-z+.-]+:/i.test(written)) {
      const message =
        "expected a folder, or an address that begins with docker-image://, target:, oci-layout://, https://, git:// or ssh://";
      return [{ path, message }];
    }
    if (isAbsolute(value)) return [{ path, message: `${value} is an absolute path: write it relative to this file` }];
    // Builders follow a link first, and then go up from its target.
    const out = wayOut(resolve(directory, value), directory) ?? wayOut(`${directory}/${value}`, directory);
    return out === undefined ? [] : [{ path, message: `${value} leads out of the repository, to ${out}` }];
  });
}

/**
 * The real path, with links followed, if it is outside the repository. Without a repository, the limit is the configuration's
 * folder.
 */
export function wayOut(path: string, directory: string): string | undefined {
  const real = realPath(path);
  return isBelow(real, realPath(topOf(directory) ?? directory)) ? undefined : real;
}

/** Follows links as far as the path exists: the rest may be created later. */
function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path === dirname(path) ? path : join(realPath(dirname(path)), basename(path));
  }
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
