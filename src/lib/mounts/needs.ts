import type { ObservedContainer } from "../common/observed.ts";
import { localFolder } from "../compose/local-volume.ts";
import type { ComposeModel } from "../compose/model.ts";
import { asWritten, makesFolder, type MountUse } from "./mounts.ts";
import type { MountPlace } from "./places.ts";
import { pathInSource, type SourceTree } from "../compose/sources.ts";

/** A path on the host that a release mounts, and of which neither its commit nor any container shows that it exists. */
export interface RequiredPath {
  /** Absolute. */
  place: string;
  /** The user of the path, for people. */
  user: string;
  /** As written in the Compose files. */
  written: string;
  /** Whether the release is refused without it. Otherwise the engine creates a folder, and a note says so. */
  isRequired: boolean;
}

export interface NeedsInput {
  model: ComposeModel;
  sourceDirectory: string;
  sources: ReadonlyMap<string, SourceTree>;
  containers?: readonly ObservedContainer[];
  places?: Readonly<Record<string, MountPlace>> | undefined;
  /** Whether a service is part of the release. By default, every service is. */
  isUsed?: (service: string) => boolean;
}

/** The paths to ask the host for, before anything is pulled. */
export function needsOf(uses: readonly MountUse[], places: ReadonlyMap<string, MountPlace>, input: NeedsInput): RequiredPath[] {
  const mounted = new Set((input.containers ?? []).flatMap(({ mounts = [] }) => mounts.map(({ source }) => source)));
  const all = [...usedPaths(uses, places, input), ...hostPaths(input)].filter(({ place }) => !mounted.has(place));
  return [...Map.groupBy(all, ({ place }) => place).values()].map((same) => same.find(({ isRequired }) => isRequired) ?? same[0]!);
}

function usedPaths(
  uses: readonly MountUse[],
  places: ReadonlyMap<string, MountPlace>,
  { sources, places: known }: NeedsInput,
): RequiredPath[] {
  const readers = Map.groupBy(uses, ({ path }) => path);
  return uses.flatMap((use): RequiredPath[] => {
    const place = places.get(use.path);
    if (place?.kind !== "data" || sources.has(use.path) || known?.[use.path]?.place === place.place) return [];
    const isRequired = use.isFile || !use.isMade || isFileName(use.path) || isFileName(use.target);
    const isRead = (readers.get(use.path) ?? []).every(({ writable }) => !writable);
    if (!isRequired && !isRead) return [];
    return [{ place: place.place, user: `${use.service}, at ${use.target}`, written: asWritten(use.path), isRequired }];
  });
}

/** Paths of the host's own. System paths are left alone. */
function hostPaths({ model, sourceDirectory, isUsed = () => true }: NeedsInput): RequiredPath[] {
  const used = Object.entries(model.services).filter(([service]) => isUsed(service));
  const isAsked = (path: string | undefined): path is string =>
    path !== undefined && pathInSource(path, sourceDirectory) === undefined && !/^\/(dev|etc|proc|run|sys|var\/run)(\/|$)/.test(path);
  const binds = used.flatMap(([service, { volumes = [] }]) =>
    volumes.flatMap(({ type, source, target, bind }): RequiredPath[] => {
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
    Object.entries(model[kind] ?? {}).flatMap(([name, { file }]): RequiredPath[] =>
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

/**
 * Whether a path's name looks like a file's. If it does not exist, the engine would create a folder, which no program expects.
 */
export function isFileName(path: string): boolean {
  const name = path.split("/").at(-1) ?? "";
  return endings.test(name) || names.test(name);
}
