import type { ComposeService } from "../compose/model.ts";
import { isMapping, mapValues } from "../common/plain.ts";

export interface PassingPaths {
  /** What the model's relative paths were resolved against: a folder that is there for a command alone. */
  sourceDirectory: string;
  /** Absolute path on the host. */
  stateDirectory: string;
}

/** What Compose alone reads. */
const unread = new Set(["build", "develop", "env_file", "label_file"]);

/**
 * A service in which nothing names a folder that is gone when the service runs. What the Compose files make of their own
 * folder (`${PWD}`) in a variable or a command means where relative mounts lie.
 *
 * @returns the service, and where such a path was: `environment HOST_MEDIA`
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

/** A value that names no folder that is gone when it is used, in any part of it. */
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

/** The folder that what is beside the repository would lie in; the folder itself where there is no such. */
function outer(sourceDirectory: string): string {
  return /^.*\/\.coldtivate\/incoming\.[^/]+(?=\/[^/]+$)/.exec(sourceDirectory)?.[0] ?? sourceDirectory;
}
