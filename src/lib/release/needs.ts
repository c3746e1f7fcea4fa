import type { ObservedContainer } from "./observed.ts";
import { localFolder } from "./local-volume.ts";
import type { ComposeModel } from "./model.ts";
import { asWritten, makesFolder, type MountUse } from "./mounts.ts";
import type { Place } from "./places.ts";
import { pathInSource, type SourceTree } from "./sources.ts";

/** A path of the host that a release mounts, and that neither its commit nor any container says is there. */
export interface Need {
  /** Absolute. */
  place: string;
  /** Who mounts it, for people. */
  user: string;
  /** As the Compose files have it. */
  written: string;
  /** Whether its lack refuses the release; otherwise the engine makes a folder, which is told. */
  isRequired: boolean;
}

export interface NeedsInput {
  model: ComposeModel;
  sourceDirectory: string;
  sources: ReadonlyMap<string, SourceTree>;
  containers?: readonly ObservedContainer[];
  places?: Readonly<Record<string, Place>> | undefined;
  /** Whether a service is part of the release; absent: each is. */
  isUsed?: (service: string) => boolean;
}

/** What the host is to be asked for, before anything is pulled. */
export function needsOf(uses: readonly MountUse[], places: ReadonlyMap<string, Place>, input: NeedsInput): Need[] {
  const mounted = new Set((input.containers ?? []).flatMap(({ mounts = [] }) => mounts.map(({ source }) => source)));
  const all = [...usedPaths(uses, places, input), ...hostPaths(input)].filter(({ place }) => !mounted.has(place));
  return [...Map.groupBy(all, ({ place }) => place).values()].map((same) => same.find(({ isRequired }) => isRequired) ?? same[0]!);
}

function usedPaths(uses: readonly MountUse[], places: ReadonlyMap<string, Place>, { sources, places: known }: NeedsInput): Need[] {
  const readers = Map.groupBy(uses, ({ path }) => path);
  return uses.flatMap((use): Need[] => {
    const place = places.get(use.path);
    if (place?.kind !== "data" || sources.has(use.path) || known?.[use.path]?.place === place.place) return [];
    const isRequired = use.isFile || !use.isMade || isFileName(use.path) || isFileName(use.target);
    const isRead = (readers.get(use.path) ?? []).every(({ writable }) => !writable);
    if (!isRequired && !isRead) return [];
    return [{ place: place.place, user: `${use.service}, at ${use.target}`, written: asWritten(use.path), isRequired }];
  });
}

/** Paths of the host's own: what the system has of itself is left to it. */
function hostPaths({ model, sourceDirectory, isUsed = () => true }: NeedsInput): Need[] {
  const used = Object.entries(model.services).filter(([service]) => isUsed(service));
  const isAsked = (path: string | undefined): path is string =>
    path !== undefined && pathInSource(path, sourceDirectory) === undefined && !/^\/(dev|etc|proc|run|sys|var\/run)(\/|$)/.test(path);
  const binds = used.flatMap(([service, { volumes = [] }]) =>
    volumes.flatMap(({ type, source, target, bind }): Need[] => {
      if (type === "volume") {
        const device = localFolder(model, source ?? "")?.device;
        return isAsked(device) ? [{ place: device, user: `${service}, at ${target}`, written: device, isRequired: true }] : [];
      }
      if (type !== "bind" || !isAsked(source)) return [];
      if (makesFolder(bind) && !isFileName(source) && !isFileName(target)) return [];
      return [{ place: source, user: `${service}, at ${target}`, written: source, isRequired: true }];
    }),
  );
  const files = (["secrets", "configs"] as const).flatMap((kind) =>
    Object.entries(model[kind] ?? {}).flatMap(([name, { file }]): Need[] =>
      isAsked(file) && used.some(([, service]) => service[kind]?.some(({ source }) => source === name))
        ? [{ place: file, user: `${kind === "secrets" ? "secret" : "config"} ${name}`, written: file, isRequired: true }]
        : [],
    ),
  );
  return [...binds, ...files];
}

const endings =
  /.\.(acl|bash|bat|cert|cfg|cnf|conf|config|crt|csr|css|csv|db|env|gz|hcl|html?|ini|j2|jks|js|json5?|key|keytab|ldif|lic|license|list|lock|log|lua|md|ovpn|p12|pem|pfx|php|pid|pl|policy|properties|pub|py|rb|rdb|rules|secret|service|sh|sql|sqlite3?|tar|te?mpl|template|tf|tgz|toml|token|ts|txt|types|vcl|xml|ya?ml|zip)$/i;
const names =
  /^(\.[a-z]*(env|rc|pass|passwd|htpasswd|htaccess|credentials)|caddyfile|corefile|crontab|dockerfile|htpasswd|makefile|procfile|vmoptions|robots\.txt)$/i;

/** Whether a path is a file's by its name: where it is not there the engine would make a folder, which no program expects. */
export function isFileName(path: string): boolean {
  const name = path.split("/").at(-1) ?? "";
  return endings.test(name) || names.test(name);
}
