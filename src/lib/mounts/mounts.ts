import type { ServiceConfig } from "../config/schema/config.ts";
import { normalise } from "../compose/files/compose-walk.ts";
import type { ComposeModel, ComposeService, ComposeSource } from "../compose/model.ts";
import { localFolder } from "../compose/local-volume.ts";
import { isMapping } from "../common/plain.ts";
import { profilesOf } from "../compose/seccomp.ts";
import { pathInSource } from "../compose/sources.ts";

/** A path beside the Compose files that a service gets to see. */
export interface MountUse {
  /** As the repository has it: `uploads`; `../shared` beside it. */
  path: string;
  service: string;
  /** Path in the container. */
  target: string;
  writable: boolean;
  /** Whether it has to be a file: what a secret or a config comes from. */
  isFile: boolean;
  /** Whether it is made where the host lacks it. */
  isMade: boolean;
  /** Whether the engine does not make it: an older Compose asks for what is there, unless it is told otherwise. */
  isLeftToUs: boolean;
  /** The volume whose folder it is, by its name on the host. */
  volume?: string;
}

/** Every use of a path beside the Compose files; what the host has at paths of its own is no part of it. */
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

/** Only `create_host_path: false` asks for what is there, which an older Compose writes as an empty `bind`. */
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

/** Compose reads these; no container sees them. */
function profileUses(service: string, written: ComposeService, sourceDirectory: string): MountUse[] {
  return profilesOf(written).flatMap((file) => {
    const path = pathInSource(file, sourceDirectory);
    if (path === undefined) return [];
    return [{ path, service, target: "security_opt", writable: false, isFile: true, isMade: false, isLeftToUs: false }];
  });
}

/** Whether a list of `data` or `content` names a mount: by its path in the repository, or where it is in the container. */
export function isListed(listed: readonly string[] | undefined, { path, target }: Pick<MountUse, "path" | "target">): boolean {
  return (listed ?? []).some((entry) => bare(entry) === bare(path) || bare(entry, true) === bare(target, true));
}

/** A path as Compose files have it: `./media`, `../media`, `.`. */
export function asWritten(path: string): string {
  return /^\.(?:\.|$)/.test(path) ? path : `./${path}`;
}

/** What services' settings list, and no service mounts: most likely misspelt. */
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
