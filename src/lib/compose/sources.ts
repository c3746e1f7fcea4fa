import { localFolder } from "./local-volume.ts";
import type { ComposeModel, ComposeSource } from "./model.ts";
import { profilesOf } from "./seccomp.ts";

/** A file or folder of the release's commit. The files of a folder have their paths inside it. A single file has the path "". */
export interface SourceTree {
  files: SourceFile[];
}

export interface SourceFile {
  path: string;
  executable: boolean;
  /** Empty for a symbolic link. */
  content: Uint8Array;
  /** For a symbolic link within a folder: its target, as written. */
  link?: string;
}

/** A file to be kept on the host, at `files/<digest>/…` below the state directory. */
export interface KeptFile {
  path: string;
  executable: boolean;
  content: Uint8Array;
  /** As in SourceFile. */
  link?: string;
}

/** SHA-256 in hexadecimal. */
export type Digest = (content: string | Uint8Array) => string;

/**
 * Translates an absolute path of the model to one relative to the Compose files: `media`, or `../media` beside them. Returns
 * undefined for a path of the host. The Compose files, and whatever lies beside them, are in a folder that exists for one command
 * only.
 */
export function pathInSource(absolute: string | undefined, sourceDirectory: string): string | undefined {
  if (absolute === undefined) return undefined;
  const whole = absolute.replace(/(?<=.)\/+$/, "");
  if (whole === sourceDirectory) return ".";
  if (whole.startsWith(`${sourceDirectory}/`)) return whole.slice(sourceDirectory.length + 1);
  const [, home, incoming] = /^(.*\/\.coldtivate)(\/incoming\.[^/]+)\/[^/]+$/.exec(sourceDirectory) ?? [];
  if (home === undefined || incoming === undefined) return undefined;
  if (whole === `${home}${incoming}`) return "..";
  if (whole === home) return "../..";
  if (whole.startsWith(`${home}${incoming}/`)) return `../${whole.slice(home.length + incoming.length + 1)}`;
  // Only the states of projects lie there; nobody else puts anything beside them.
  const [, first, rest = ""] = /^\/([^/]+)(\/.*)?$/.exec(whole.startsWith(`${home}/`) ? whole.slice(home.length) : "") ?? [];
  return first === undefined || first.includes("-") ? undefined : `../../${first}${rest}`;
}

/** Every path of the repository that containers need: bind mounts, the files of configs and secrets, seccomp profiles. */
export function referredPaths(model: ComposeModel, sourceDirectory: string): string[] {
  const mounted = Object.values(model.services).flatMap((service) => service.volumes ?? []);
  const binds = mounted.filter(({ type }) => type === "bind").map(({ source }) => source);
  const sources: ComposeSource[] = [...Object.values(model.configs ?? {}), ...Object.values(model.secrets ?? {})];
  const folders = Object.keys(model.volumes ?? {}).map((volume) => localFolder(model, volume)?.device);
  const profiles = Object.values(model.services).flatMap(profilesOf);
  const paths = [...binds, ...folders, ...profiles, ...sources.map(({ file }) => file)].map((path) => pathInSource(path, sourceDirectory));
  return [...new Set(paths.filter((path) => path !== undefined))].toSorted();
}

/**
 * Gives a tree a place on the host that depends on its content, so that the same content has the same path in every release. A
 * path per release would recreate every container that mounts it.
 */
export function keepTree(path: string, tree: SourceTree, digest: Digest): { place: string; kept: KeptFile[] } {
  const name = path.split("/").at(-1) ?? "file";
  const parts = tree.files
    .map((file) => `${file.path}\t${file.link === undefined ? file.executable : "link"}\t${digest(file.link ?? file.content)}`)
    .toSorted();
  const place = `files/${digest(parts.join("\n"))}/${name === "." ? "source" : name}`;
  const kept = tree.files.map((file) => ({
    path: file.path === "" ? place : `${place}/${file.path}`,
    executable: file.executable,
    content: file.content,
    ...(file.link === undefined ? {} : { link: file.link }),
  }));
  return { place, kept };
}
