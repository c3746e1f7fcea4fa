import type { ComposeService } from "../compose/model.ts";
import { isMapping, mapValues } from "../common/plain.ts";

export interface PassingPaths {
  /** The folder that the model's relative paths were resolved against. It exists during one command only. */
  sourceDirectory: string;
  /** Absolute path on the host. */
  stateDirectory: string;
}

/** Keys that only Compose reads. */
const unread = new Set(["build", "develop", "env_file", "label_file"]);

/**
 * Replaces paths in a service that no longer exist when it runs. If the Compose files use their own folder (`${PWD}`) in a
 * variable or a command, it means the folder of relative mounts.
 *
 * @returns the service, and where such paths were: `environment HOST_MEDIA`
 */
export function settlePaths(service: ComposeService, paths: PassingPaths): { service: ComposeService; found: string[] } {
  const found: string[] = [];
  const settled = mapValues(service, (value, key) => {
    if (unread.has(key)) return value;
    if (!isMapping(value)) return settle(value, paths, () => found.push(key));
    return mapValues(value, (inner, name) => settle(inner, paths, () => found.push(`${key} ${name}`)));
  });
  return { service: settled, found: [...new Set(found)] };
}

/** Replaces such paths in all parts of a value. */
export function settle<Value>(value: Value, paths: PassingPaths, tell?: () => void): Value;
export function settle(value: unknown, { sourceDirectory, stateDirectory }: PassingPaths, tell: () => void = () => {}): unknown {
  if (typeof value === "string") {
    if (!value.includes(sourceDirectory) && !value.includes(outer(sourceDirectory))) return value;
    tell();
    const inside = value.replaceAll(sourceDirectory, `${stateDirectory}/data`);
    return inside.replaceAll(outer(sourceDirectory), `${stateDirectory}/outside`);
  }
  if (Array.isArray(value)) return value.map((inner) => settle(inner, { sourceDirectory, stateDirectory }, tell));
  if (!isMapping(value)) return value;
  return mapValues(value, (inner) => settle(inner, { sourceDirectory, stateDirectory }, tell));
}

/** The folder for paths beside the repository, or the folder itself if there is none. */
function outer(sourceDirectory: string): string {
  return /^.*\/\.coldtivate\/incoming\.[^/]+(?=\/[^/]+$)/.exec(sourceDirectory)?.[0] ?? sourceDirectory;
}
