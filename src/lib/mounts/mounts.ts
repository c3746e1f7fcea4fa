import type { ServiceConfig } from "../config/schema/config.ts";
import { normalise } from "../compose/files/compose-walk.ts";
import type { ComposeModel, ComposeService, ComposeSource } from "../compose/model.ts";
import { localFolder } from "../compose/local-volume.ts";
import { isMapping } from "../common/plain.ts";
import { profilesOf } from "../compose/seccomp.ts";
import { pathInSource } from "../compose/sources.ts";

/** A path relative to the Compose files that a service uses. */
export interface MountUse {
  /** Path in the repository: `uploads`; `../shared` for one beside it. */
  path: string;
  service: string;
  /** Path in the container. */
  target: string;
  writable: boolean;
  /** Whether it has to be a file, as for a secret or a config. */
  isFile: boolean;
  /** Whether it is created if the host lacks it. */
  isMade: boolean;
  /** Whether we have to create it because the engine does not: an older Compose expects it to exist, unless told otherwise. */
  isLeftToUs: boolean;
  /** If it is the folder of a volume: the volume's name on the host. */
  volume?: string;
}

/** Finds every use of a path relative to the Compose files. Paths of the host's own are not included. */
export function mountUses(model: ComposeModel, sourceDirectory: string): MountUse[] {
  return Object.entries(model.services).flatMap(([service, written]) => [
    ...bindUses(service, written, sourceDirectory),
    ...volumeUses(service, written, model, sourceDirectory),
    ...fileUses(service, written.secrets, model.secrets, "/run/secrets/", sourceDirectory),
    ...fileUses(service, written.configs, model.configs, "/", sourceDirectory),
    ...profileUses(service, written, sourceDirectory),
  ]);
}

function bindUses(service: string, { volumes = [] }: ComposeService, sourceDirectory: string): MountUse[] {
  return volumes.flatMap(({ type, source, target, read_only: readOnly, bind }) => {
    const path = type === "bind" ? pathInSource(source, sourceDirectory) : undefined;
    if (path === undefined) return [];
    const isMade = makesFolder(bind);
    const isLeftToUs = isMade && !(isMapping(bind) && bind["create_host_path"] === true);
    return [{ path, service, target, writable: readOnly !== true, isFile: false, isMade, isLeftToUs }];
  });
}

/** Only `create_host_path: false` expects the path to exist. An older Compose writes it as an empty `bind`. */
export function makesFolder(bind: unknown): boolean {
  return !isMapping(bind) || (bind["create_host_path"] !== false && Object.keys(bind).length > 0);
}

function volumeUses(service: string, { volumes = [] }: ComposeService, model: ComposeModel, sourceDirectory: string): MountUse[] {
  return volumes.flatMap(({ type, source = "", target, read_only: readOnly }) => {
    const folder = type === "volume" ? localFolder(model, source) : undefined;
    const path = pathInSource(folder?.device, sourceDirectory);
    if (folder === undefined || path === undefined) return [];
    return [{ path, service, target, writable: readOnly !== true, isFile: false, isMade: true, isLeftToUs: true, volume: folder.name }];
  });
}

function fileUses(
  service: string,
  used: ComposeService["secrets"],
  defined: Readonly<Record<string, ComposeSource>> | undefined,
  folder: string,
  sourceDirectory: string,
): MountUse[] {
  return (used ?? []).flatMap(({ source, target }) => {
    const path = pathInSource(defined?.[source]?.file, sourceDirectory);
    if (path === undefined) return [];
    const written = typeof target === "string" && target !== "" ? target : source;
    const inside = written.startsWith("/") ? written : `${folder}${written}`;
    return [{ path, service, target: inside, writable: false, isFile: true, isMade: false, isLeftToUs: false }];
  });
}

/** Files that Compose reads and no container sees. */
function profileUses(service: string, written: ComposeService, sourceDirectory: string): MountUse[] {
  return profilesOf(written).flatMap((file) => {
    const path = pathInSource(file, sourceDirectory);
    if (path === undefined) return [];
    return [{ path, service, target: "security_opt", writable: false, isFile: true, isMade: false, isLeftToUs: false }];
  });
}

/** Whether a list of `data` or `content` contains a mount, by its path in the repository or in the container. */
export function isListed(listed: readonly string[] | undefined, { path, target }: Pick<MountUse, "path" | "target">): boolean {
  return (listed ?? []).some((entry) => bare(entry) === bare(path) || bare(entry, true) === bare(target, true));
}

/** A path as Compose files have it: `./media`, `../media`, `.`. */
export function asWritten(path: string): string {
  return /^\.(?:\.|$)/.test(path) ? path : `./${path}`;
}

/** Entries in services' settings that no service mounts. Most likely they are misspelt. */
export function unknownMounts(uses: readonly MountUse[], config: Readonly<Record<string, ServiceConfig>>): string[] {
  return Object.entries(config).flatMap(([service, settings]) =>
    (["data", "content"] as const).flatMap((key) =>
      (settings[key] ?? [])
        .filter((entry) => !uses.some((use) => use.service === service && isListed([entry], use)))
        .map((entry) => `services.${service}.${key}: ${service} mounts nothing of the repository as ${entry}`),
    ),
  );
}

function bare(path: string, isTarget = false): string {
  if (path.startsWith("/") !== isTarget) return isTarget ? "-" : normalise(path) || ".";
  return isTarget ? `/${normalise(path)}` : normalise(path) || ".";
}
