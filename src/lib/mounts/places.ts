import type { ServiceConfig } from "../config/schema/config.ts";
import { normalise } from "../compose/files/compose-walk.ts";
import { allSlots, slotName } from "../fronts/fronts.ts";
import type { ObservedContainer } from "../common/observed.ts";
import { isListed, type MountUse } from "./mounts.ts";
import { holdsNothing } from "./placeholders.ts";
import { keepTree, type Digest, type SourceTree } from "../compose/sources.ts";

/**
 * The kind of a mounted path:
 *
 * - `data`: has one place for all releases,
 * - `watched`: content of a commit that containers may write to, so the host checks whether they did,
 * - `content`: content that nobody changes, or whose changes nobody needs.
 */
export type PlaceKind = "data" | "watched" | "content";

/** The place of a path on the host. */
export interface MountPlace {
  kind: PlaceKind;
  /** Absolute. */
  place: string;
  /** For content: its digest. */
  digest?: string | undefined;
}

export interface PlacesInput {
  uses: readonly MountUse[];
  sources: ReadonlyMap<string, SourceTree>;
  config: Readonly<Record<string, ServiceConfig>>;
  /** Absolute path on the host. */
  stateDirectory: string;
  /** The places in the serving release. */
  known?: Readonly<Record<string, MountPlace>> | undefined;
  containers: readonly ObservedContainer[];
  /** Existing folders of volumes, by volume name. */
  devices?: Readonly<Record<string, string>> | undefined;
  digest: Digest;
}

/** Decides the kind and the place of every path that services mount. A path within another one lies in that one's place. */
export function choosePlaces(input: PlacesInput): Map<string, MountPlace> {
  const places = new Map<string, MountPlace>();
  const uses = Map.groupBy(input.uses, ({ path }) => path);
  for (const path of [...uses.keys()].toSorted((one, other) => depth(one) - depth(other) || (one < other ? -1 : 1)))
    places.set(path, placeOf(path, uses.get(path) ?? [], places, input));
  return places;
}

function placeOf(path: string, uses: readonly MountUse[], outer: ReadonlyMap<string, MountPlace>, input: PlacesInput): MountPlace {
  const tree = input.sources.get(path);
  const known = input.known?.[path];
  const isAsked = (key: "data" | "content") => uses.some((use) => isListed(input.config[use.service]?.[key], use));
  const isDisposable = isAsked("content") && tree !== undefined;
  const parent = isDisposable ? undefined : parentOf(path, outer);
  if (parent?.place.kind === "data" && known?.kind !== "data") return { ...parent.place, place: `${parent.place.place}/${parent.rest}` };

  const isWritable = uses.some(({ writable }) => writable);
  const isData = !isDisposable && (isAsked("data") || known?.kind === "data" || tree === undefined || holdsNothing(tree, isWritable));
  if (isData || tree === undefined) {
    const place = known?.kind === "content" ? undefined : known?.place;
    return { kind: "data", place: place ?? mountedNow(path, uses, input) ?? defaultPlace(path, input.stateDirectory) };
  }
  if (parent?.place.kind === "watched") return { ...parent.place, place: `${parent.place.place}/${parent.rest}` };
  const kept = keepTree(path, tree, input.digest);
  const content = digestIn(kept.place);
  const kind = isWritable && !isDisposable ? "watched" : "content";
  if (!isWritable) return { kind, place: `${input.stateDirectory}/${kept.place}`, digest: content };
  // The place in an older coldtivate, and still the place for services that only read it. Two paths with the same content share
  // it.
  const former = `${input.stateDirectory}/${kept.place}`;
  if (known?.digest === content && (known.kind === "watched" || (known.kind === "content" && known.place !== former)))
    return { kind, place: known.place, digest: content };
  if (known === undefined && containersAt(uses, input).some(({ source, writable }) => writable && source === former))
    return { kind, place: former, digest: content };
  const own = kept.place.replace(content, input.digest(`${path}\n${content}`));
  return { kind, place: `${input.stateDirectory}/${own}`, digest: content };
}

/** The nearest path that this one is within. */
function parentOf(path: string, places: ReadonlyMap<string, MountPlace>): { place: MountPlace; rest: string } | undefined {
  const within = [...places].filter(([outer]) => restWithin(path, outer) !== undefined).toSorted(([a], [b]) => depth(b) - depth(a))[0];
  return within === undefined ? undefined : { place: within[1], rest: restWithin(path, within[0]) ?? "" };
}

/** The rest of a path within another one; undefined if it is not within it, or is the same. */
export function restWithin(path: string, outer: string): string | undefined {
  if (path === outer || stepsOut(path) !== stepsOut(outer)) return undefined;
  if (outer === ".") return path;
  return path.startsWith(`${outer}/`) ? path.slice(outer.length + 1) : undefined;
}

/** The place where the containers of these services have their data now. */
function mountedNow(path: string, uses: readonly MountUse[], input: PlacesInput): string | undefined {
  const { stateDirectory, devices = {}, containers, known = {} } = input;
  const others = new Set(Object.entries(known).flatMap(([other, { place }]) => (other === path ? [] : [place])));
  const volumes = uses.flatMap(({ volume = "" }) => devices[volume] ?? []);
  const mounted = containersAt(uses, input)
    // Read-only content belongs to a commit. It is not the data that we look for.
    .filter(({ source, writable }) => writable || !source.startsWith(`${stateDirectory}/files/`))
    .filter(({ source }) => isNamed(source, path) && !others.has(source))
    .toSorted((one, other) => Number(other.writable) - Number(one.writable));
  const found = [...volumes, ...mounted.map(({ source }) => source)].find((place) => !isTemporaryFolder(place));
  if (found !== undefined) return found;
  // Under plain Compose, it may be at another target, or in a service with another name.
  const plain = containers
    .filter(({ definition, workingDirectory }) => definition === "" && workingDirectory !== undefined)
    .map(({ workingDirectory, mounts = [] }) => ({ mounts, place: absolute(`${workingDirectory}/${path}`) }));
  return plain.find(({ mounts, place }) => mounts.some(({ type, source }) => type === "bind" && source === place))?.place;
}

/** Whether a host's folder may be the one at this path in the Compose files. Another mount may have been at its target. */
function isNamed(source: string, path: string): boolean {
  const name = path
    .split("/")
    .filter((part) => part !== "..")
    .join("/");
  if (path === ".") return true;
  return source.endsWith(`/${name}`) || (digestIn(source) !== "" && source.endsWith(`/${name.split("/").at(-1)}`));
}

function absolute(path: string): string {
  return `/${normalise(path)}`;
}

function containersAt(uses: readonly MountUse[], { containers }: PlacesInput) {
  return containers
    .filter(({ oneOff }) => !oneOff)
    .toSorted((one, other) => Number(other.status === "running") - Number(one.status === "running"))
    .flatMap(({ service, mounts = [] }) =>
      mounts.filter(({ type, target }) => type === "bind" && uses.some((use) => use.target === target && isOf(service, use.service))),
    );
}

/** Whether a Compose service on a host is a service of the release, or one of its slots. */
export function isOf(running: string, service: string): boolean {
  return running === service || allSlots.some((slot) => running === slotName(service, slot));
}

/** Whether a path lies in a folder that exists during one command only. */
export function isTemporaryFolder(path: string): boolean {
  return /\/\.coldtivate\/incoming\.[^/]+(\/|$)/.test(path);
}

/** How many folders above the repository a path starts. */
function stepsOut(path: string): number {
  const parts = path.split("/");
  const inside = parts.findIndex((part) => part !== "..");
  return inside === -1 ? parts.length : inside;
}

/** `data/…` in the state directory. Paths beside the repository have a folder of their own for each step out of it. */
export function defaultPlace(path: string, stateDirectory: string): string {
  const parts = path.split("/");
  const ups = stepsOut(path);
  if (ups === 0) return path === "." ? `${stateDirectory}/data` : `${stateDirectory}/data/${path}`;
  return [`${stateDirectory}/outside${ups === 1 ? "" : `.${ups}`}`, ...parts.slice(ups)].join("/");
}

/** The name of the folder in `files/` that a place is in; empty if it is in none. */
export function digestIn(place: string): string {
  return /(?:^|\/)files\/([0-9a-f]{64})(?:\/|$)/.exec(place)?.[1] ?? "";
}

function depth(path: string): number {
  return path === "." ? 0 : path.split("/").length;
}

/**
 * The places of mounts once an older release serves again. Mounts lie where the older release has them. Paths that it does not
 * know stay where they are, and paths that have become data since are data. A release of an older coldtivate has no places.
 */
export function mergePlaces(
  older: Readonly<Record<string, MountPlace>> | undefined,
  now: Readonly<Record<string, MountPlace>> | undefined,
): { places?: Record<string, MountPlace> } {
  if (older === undefined && now === undefined) return {};
  const data = Object.entries(now ?? {}).filter(
    ([path, { kind, place }]) => kind === "data" && (older?.[path] === undefined || older[path].place === place),
  );
  return { places: { ...older, ...Object.fromEntries(data) } };
}
