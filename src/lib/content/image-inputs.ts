import type { ImageConfig } from "../config/schema/config.ts";
import { isWithin, joinPaths } from "../common/path.ts";

/**
 * The paths that an image is made from, relative to the configuration's folder: its context, and additional contexts that are
 * folders. Its Dockerfile and that file's own ignore file are listed if they lie outside the context.
 */
export function inputsOf({ context, dockerfile, contexts }: Pick<ImageConfig, "context" | "dockerfile" | "contexts">): string[] {
  const file = joinPaths(context, dockerfile);
  const folders = foldersOf(contexts).map(([, path]) => path);
  return [...new Set([context, ...(isWithin(file, context) ? [] : [file, `${file}.dockerignore`]), ...folders])];
}

/** Additional contexts that are folders of the repository; others are addresses. */
export function foldersOf(contexts: Readonly<Record<string, string>> | undefined): [name: string, path: string][] {
  return Object.entries(contexts ?? {}).flatMap(([name, value]) => (/^[a-z+.-]+:/i.test(value) ? [] : [[name, joinPaths(value)]]));
}
