import type { ServiceConfig } from "../config/config.ts";
import { normalise } from "./compose-walk.ts";
import type { ObservedContainer } from "./observed.ts";
import { moveFolders } from "./local-volume.ts";
import type { ComposeModel, ComposeMount, ComposeService, ComposeSource } from "./model.ts";
import { asWritten, mountUses, type MountUse } from "./mounts.ts";
import { isFileName, needsOf, type Need } from "./needs.ts";
import { choosePlaces, digestIn, restWithin, type Place, type PlaceKind } from "./places.ts";
import { settle, settlePaths } from "./passing-paths.ts";
import { mapValues } from "./record.ts";
import { movedProfiles } from "./seccomp.ts";
import { keepTree, pathInSource, type Digest, type KeptFile, type SourceTree } from "./sources.ts";

export interface PlacementInput {
  model: ComposeModel;
  /** Absolute path on the host. */
  stateDirectory: string;
  /** What the model's relative paths were resolved against, absolute on the host. */
  sourceDirectory: string;
  /** By path in the repository; a path that the commit does not have is missing here. */
  sources: ReadonlyMap<string, SourceTree>;
  /** Values for secrets and configs that come from variables. */
  variables: Readonly<Record<string, string>>;
  /** Settings of services, by name. */
  services: Readonly<Record<string, ServiceConfig>>;
  /** What the host runs: where a service has its data it keeps it. */
  containers?: readonly ObservedContainer[];
  /** Where things lie in the release that serves. */
  places?: Readonly<Record<string, Place>> | undefined;
  /** Folders of volumes that the engine has, by their names. */
  devices?: Readonly<Record<string, string>>;
  /** Whether a service is part of the release, or a task runs in it; absent: each is. */
  isUsed?: (service: string) => boolean;
  digest: Digest;
}

/** A model whose files lie where they do on the host. */
export interface Placed extends Pick<ComposeModel, "volumes"> {
  configs: Record<string, ComposeSource>;
  secrets: Record<string, ComposeSource>;
  services: Record<string, ComposeService>;
  files: KeptFile[];
  notes: string[];
  layout: Layout;
}

/** What a host has to prepare for a release's mounts, and to keep in mind of them. */
export interface Layout {
  /** By path in the repository. */
  places: Record<string, Place>;
  /** Folders of `files/` that containers may write to. */
  watched: string[];
  /** Folders of `files/` that have become data. */
  adopted: string[];
  /** Folders that have to be there before the engine makes one within them. */
  parents: string[];
  /** Folders that the engine does not make. */
  folders: string[];
  /** What the commit has for data: put there once, where nothing is. */
  seeds: { place: string; files: SourceTree["files"] }[];
  /** What has to be on the host already. */
  needs: Need[];
}

/** Gives every file of a model its place on the host: content of the commit by its digest, data one place for all releases. */
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

/** What the commit has for the places of content, each file once. */
function keptContent(places: ReadonlyMap<string, Place>, { sources, stateDirectory }: PlacementInput): Map<string, KeptFile> {
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

/** Whether a path lies in the place of another one of a kind. */
function isWithin(path: string, kind: PlaceKind, places: ReadonlyMap<string, Place>): boolean {
  return [...places].some(([outer, other]) => {
    const rest = restWithin(path, outer);
    return rest !== undefined && other.kind === kind && places.get(path)?.place === `${other.place}/${rest}`;
  });
}

/** What lies within a mounted folder, for whoever mounts that, and elsewhere on the host: seen through it all the same. */
function innerMounts(
  mounts: readonly ComposeMount[],
  places: ReadonlyMap<string, Place>,
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
      // What nobody may write to has no room for another mount, unless the commit made it.
      const hasRoom =
        mount.read_only !== true || (sources.get(path)?.files ?? []).some((file) => file.path === rest || file.path.startsWith(`${rest}/`));
      if (!hasRoom || targets.has(normalise(target)) || uses.every((use) => use.path !== within || use.isFile)) return [];
      targets.add(normalise(target));
      return [{ type: "bind", source: place, target, ...(mount.read_only === true ? { read_only: true } : {}) }];
    });
  });
}

function layoutOf(uses: readonly MountUse[], places: ReadonlyMap<string, Place>, input: PlacementInput): Layout {
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
function contentAt(path: string, places: ReadonlyMap<string, Place>): string[] {
  const place = places.get(path);
  return place === undefined || place.kind === "data" ? [] : [digestIn(place.place)];
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)].filter((word) => word !== "").toSorted();
}

function notesOf(
  uses: readonly MountUse[],
  places: ReadonlyMap<string, Place>,
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

/** Whether a placed path is content of a commit, which a release that needs another one mounts from elsewhere. */
export function isPlacedContent(path: string, stateDirectory: string, { adopted }: Pick<Layout, "adopted"> = { adopted: [] }): boolean {
  return path.startsWith(`${stateDirectory}/files/`) && !adopted.includes(digestIn(path));
}
