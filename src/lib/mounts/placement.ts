import type { ServiceConfig } from "../config/schema/config.ts";
import { normalise } from "../compose/files/compose-walk.ts";
import type { ObservedContainer } from "../common/observed.ts";
import { moveFolders } from "../compose/local-volume.ts";
import type { ComposeModel, ComposeMount, ComposeService, ComposeSource } from "../compose/model.ts";
import { asWritten, mountUses, type MountUse } from "./mounts.ts";
import { isFileName, needsOf, type RequiredPath } from "./needs.ts";
import { choosePlaces, digestIn, restWithin, type MountPlace, type PlaceKind } from "./places.ts";
import { settle, settlePaths } from "./passing-paths.ts";
import { mapValues } from "../common/plain.ts";
import { movedProfiles } from "../compose/seccomp.ts";
import { keepTree, pathInSource, type Digest, type KeptFile, type SourceTree } from "../compose/sources.ts";

export interface PlacementInput {
  model: ComposeModel;
  /** Absolute path on the host. */
  stateDirectory: string;
  /** The folder that the model's relative paths were resolved against; absolute, on the host. */
  sourceDirectory: string;
  /** By path in the repository; a path that the commit does not have is missing here. */
  sources: ReadonlyMap<string, SourceTree>;
  /** Values for secrets and configs that come from variables. */
  variables: Readonly<Record<string, string>>;
  /** Settings of services, by name. */
  services: Readonly<Record<string, ServiceConfig>>;
  /** The host's containers. A service keeps its data where it has it now. */
  containers?: readonly ObservedContainer[];
  /** The places of mounts in the serving release. */
  places?: Readonly<Record<string, MountPlace>> | undefined;
  /** Existing folders of volumes, by volume name. */
  devices?: Readonly<Record<string, string>>;
  /** Whether a service is part of the release, or a task runs in it. By default, every service is. */
  isUsed?: (service: string) => boolean;
  digest: Digest;
}

/** A model with the paths of files on the host. */
export interface Placed extends Pick<ComposeModel, "volumes"> {
  configs: Record<string, ComposeSource>;
  secrets: Record<string, ComposeSource>;
  services: Record<string, ComposeService>;
  files: KeptFile[];
  notes: string[];
  layout: Layout;
}

/** What a host has to prepare for a release's mounts, and to remember about them. */
export interface Layout {
  /** By path in the repository. */
  places: Record<string, MountPlace>;
  /** Folders of `files/` that containers may write to. */
  watched: string[];
  /** Folders of `files/` that have become data. */
  adopted: string[];
  /** Folders that have to exist before the engine creates one within them. */
  parents: string[];
  /** Folders that the engine does not create. */
  folders: string[];
  /** Initial content for data from the commit. It is put there once, if nothing is there. */
  seeds: { place: string; files: SourceTree["files"] }[];
  /** Paths that have to exist on the host already. */
  needs: RequiredPath[];
}

/**
 * Gives every file of a model its place on the host. Content of the commit is placed by its digest; data has one place for all
 * releases.
 */
export function placeFiles(input: PlacementInput): Placed {
  const { model, stateDirectory, sourceDirectory, digest } = input;
  const uses = mountUses(model, sourceDirectory);
  const places = choosePlaces({ ...input, uses, config: input.services, known: input.places, containers: input.containers ?? [] });
  const files = keptContent(places, input);
  const placeOf = (written: string) => places.get(pathInSource(written, sourceDirectory) ?? "")?.place ?? written;

  const placeSource = (source: ComposeSource, name: string): ComposeSource => {
    if (source.file !== undefined) return { ...source, file: placeOf(source.file) };
    if (source.environment === undefined) return mapValues(source, (value) => settle(value, input));
    const { environment, ...rest } = source;
    const content = new TextEncoder().encode(input.variables[environment] ?? "");
    const found = keepTree(name, { files: [{ path: "", executable: false, content }] }, digest);
    for (const file of found.kept) files.set(file.path, file);
    return { ...rest, file: `${stateDirectory}/${found.place}` };
  };
  const settled: string[] = [];
  const placeMounts = (written: ComposeService, name: string): ComposeService => {
    const { volumes: mounts, ...rest } = movedProfiles(written, placeOf);
    const { service, found } = settlePaths(rest, input);
    if (found.length > 0) settled.push(settledNote(name, found, stateDirectory));
    return mounts === undefined ? service : { ...service, volumes: placeVolumes(mounts) };
  };
  const placeVolumes = (mounts: readonly ComposeMount[]): ComposeMount[] => {
    const placed = mounts.map((mount) =>
      mount.type === "bind" && mount.source !== undefined ? { ...mount, source: placeOf(mount.source) } : mount,
    );
    return [...placed, ...innerMounts(mounts, places, uses, input)];
  };
  const moved = moveFolders(model, placeOf);
  const volumes = moved && mapValues(moved, (volume) => settle(volume, input));
  const services = mapValues(model.services, placeMounts);
  return {
    configs: mapValues(model.configs ?? {}, placeSource),
    secrets: mapValues(model.secrets ?? {}, placeSource),
    services,
    ...(volumes === undefined ? {} : { volumes }),
    files: [...files.values()],
    notes: [...notesOf(uses, places, input), ...settled],
    layout: layoutOf(uses, places, input),
  };
}

function settledNote(service: string, found: readonly string[], stateDirectory: string): string {
  return `${service}: ${found.join(", ")} names the folder of the Compose files, which is not on the host: ${stateDirectory}/data stands for it, where relative mounts lie that the commit does not have`;
}

/** The commit's files for the places of content, each file once. */
function keptContent(places: ReadonlyMap<string, MountPlace>, { sources, stateDirectory }: PlacementInput): Map<string, KeptFile> {
  const files = new Map<string, KeptFile>();
  for (const [path, { kind, place }] of places) {
    if (kind === "data" || isWithin(path, "watched", places)) continue;
    const folder = place.slice(stateDirectory.length + 1);
    for (const file of sources.get(path)?.files ?? []) {
      const kept = { ...file, path: file.path === "" ? folder : `${folder}/${file.path}` };
      files.set(kept.path, kept);
    }
  }
  return files;
}

/** Whether a path lies in the place of another path of the given kind. */
function isWithin(path: string, kind: PlaceKind, places: ReadonlyMap<string, MountPlace>): boolean {
  return [...places].some(([outer, other]) => {
    const rest = restWithin(path, outer);
    return rest !== undefined && other.kind === kind && places.get(path)?.place === `${other.place}/${rest}`;
  });
}

/**
 * Extra mounts for paths that lie within a mounted folder but have a place elsewhere on the host, so that they are visible
 * through it.
 */
function innerMounts(
  mounts: readonly ComposeMount[],
  places: ReadonlyMap<string, MountPlace>,
  uses: readonly MountUse[],
  { sourceDirectory, sources }: PlacementInput,
): ComposeMount[] {
  const targets = new Set(mounts.map(({ target }) => normalise(target)));
  return mounts.flatMap((mount) => {
    const path = mount.type === "bind" ? pathInSource(mount.source, sourceDirectory) : undefined;
    const outer = places.get(path ?? "");
    if (path === undefined || outer === undefined) return [];
    return [...places].flatMap(([within, { kind, place }]): ComposeMount[] => {
      const rest = restWithin(within, path);
      if (rest === undefined || kind === "content" || place === `${outer.place}/${rest}`) return [];
      const target = `${mount.target.replace(/\/$/, "")}/${rest}`;
      // A read-only folder has no room for another mount, unless the commit has a path there.
      const hasRoom =
        mount.read_only !== true || (sources.get(path)?.files ?? []).some((file) => file.path === rest || file.path.startsWith(`${rest}/`));
      if (!hasRoom || targets.has(normalise(target)) || uses.every((use) => use.path !== within || use.isFile)) return [];
      targets.add(normalise(target));
      return [{ type: "bind", source: place, target, ...(mount.read_only === true ? { read_only: true } : {}) }];
    });
  });
}

function layoutOf(uses: readonly MountUse[], places: ReadonlyMap<string, MountPlace>, input: PlacementInput): Layout {
  const { stateDirectory, sources, digest, places: known = {} } = input;
  const data = [...places].filter(([, { kind }]) => kind === "data");
  const own = data.filter(([, { place }]) => place.startsWith(`${stateDirectory}/`)).map(([, { place }]) => place);
  const missed = uses.filter(
    ({ isLeftToUs, volume, path, target }) =>
      isLeftToUs && (volume !== undefined || !(sources.has(path) || isFileName(path) || isFileName(target))),
  );
  const made = missed.flatMap(({ path }) => (places.get(path)?.kind === "data" ? [places.get(path)!.place] : []));
  const seeded = data.flatMap(([path, { place }]) => {
    const tree = sources.get(path);
    return tree === undefined || isWithin(path, "data", places)
      ? []
      : [{ path, place, files: tree.files, digest: digestIn(keepTree(path, tree, digest).place) }];
  });
  const seeds = new Map(seeded.map((seed) => [seed.path, seed.digest]));
  const isSeeded = ({ path, place, digest: content }: (typeof seeded)[number]) =>
    known[path]?.kind === "data" && known[path].place === place && known[path].digest === content;
  return {
    places: {
      ...Object.fromEntries(Object.entries(known).filter(([, { kind }]) => kind === "data")),
      ...Object.fromEntries([...places].map(([path, place]) => [path, seeds.has(path) ? { ...place, digest: seeds.get(path) } : place])),
    },
    watched: unique(uses.flatMap(({ path, writable }) => (writable ? contentAt(path, places) : []))),
    adopted: unique(data.map(([, { place }]) => digestIn(place))),
    parents: unique(own.map((place) => place.slice(0, place.lastIndexOf("/")))),
    folders: unique(made.filter((place) => place.startsWith(`${stateDirectory}/`))),
    seeds: seeded.filter((seed) => !isSeeded(seed)).map(({ place, files }) => ({ place, files })),
    needs: needsOf(
      uses.filter(({ service }) => input.isUsed?.(service) !== false),
      places,
      input,
    ),
  };
}

/** The folder of `files/` that a path is in, unless it is data. */
function contentAt(path: string, places: ReadonlyMap<string, MountPlace>): string[] {
  const place = places.get(path);
  return place === undefined || place.kind === "data" ? [] : [digestIn(place.place)];
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)].filter((word) => word !== "").toSorted();
}

function notesOf(
  uses: readonly MountUse[],
  places: ReadonlyMap<string, MountPlace>,
  { sources, stateDirectory, isUsed }: PlacementInput,
): string[] {
  const notes = uses.flatMap(({ service, path, target, isFile }) => {
    const place = places.get(path);
    if (isUsed?.(service) === false) return [];
    if (place?.kind !== "data" || sources.has(path) || isWithin(path, "data", places)) return [];
    const where = place.place.startsWith(`${stateDirectory}/`) ? place.place.slice(stateDirectory.length + 1) : place.place;
    return [
      `${isFile ? target.split("/").at(-1) : target} mounts ${asWritten(path)}, which the commit does not have: it is kept on the host, in ${where}`,
    ];
  });
  return [...new Set(notes)];
}

/** Whether a placed path is content of a commit. A release that needs other content mounts it from another place. */
export function isPlacedContent(path: string, stateDirectory: string, { adopted }: Pick<Layout, "adopted"> = { adopted: [] }): boolean {
  return path.startsWith(`${stateDirectory}/files/`) && !adopted.includes(digestIn(path));
}
