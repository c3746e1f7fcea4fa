import type { ObservedContainer, ObservedMount, WrittenContent } from "../common/observed.ts";
import { volumeName } from "../compose/local-volume.ts";
import { replicas, type ComposeModel, type ComposeService } from "../compose/model.ts";
import { asWritten } from "./mounts.ts";
import { digestIn, isOf, type MountPlace } from "./places.ts";

export interface LeftBehindInput {
  /** The services of the release by name, with everything that their containers mount. */
  services: Readonly<Record<string, ComposeService>>;
  model: Pick<ComposeModel, "name" | "volumes">;
  /** By service with slots: the names of its slots in the release. */
  composeServices?: Readonly<Record<string, readonly string[]>>;
  /** Services whose containers stay. */
  unchanged?: ReadonlySet<string>;
  /** Whether the host keeps the release. If so, nobody checked whether its images have anonymous volumes. */
  isKept?: boolean;
  containers: readonly ObservedContainer[];
  written: readonly WrittenContent[];
  /** Absolute path on the host. */
  stateDirectory: string;
  /** The places of mounts in the serving release; undefined if there is none, or if it is from an older coldtivate. */
  before: Readonly<Record<string, MountPlace>> | undefined;
  /** The places of mounts in the release. */
  after: Readonly<Record<string, MountPlace>>;
}

/** What containers write to and the release would no longer mount. */
export interface LeftBehind {
  /** Data of containers for which the release mounts something else in its place, or nothing. For people. */
  data: string[];
  /** Content that was written to, by its folder in `files/`, with the text to report. */
  content: { digest: string; told: string }[];
  /** Folders of `files/` that were written to, but are declared as content. */
  declared: string[];
  /** Folders of `files/` that nobody has written to. Nobody may write to them until the release serves. */
  watched: string[];
  /** Folders of plain containers whose files must be the same as the commit's. */
  plain: { path: string; source: string; container: string; target: string }[];
  notes: string[];
}

/** Finds what containers write to now and the release does not mount. */
export function findLeftBehind(input: LeftBehindInput): LeftBehind {
  const mounted = mountedIn(Object.values(input.services), input.model);
  const found: LeftBehind = { data: [], content: [], declared: [], watched: [], plain: [], notes: [] };
  const seen = new Set<string>();
  for (const container of input.containers) {
    if (container.oneOff) continue;
    const name = serviceOf(container, input);
    for (const mount of container.mounts ?? []) {
      const identity = identityOf(mount);
      if (!mount.writable || identity === undefined || isSystem(identity) || identity.startsWith(`${input.stateDirectory}/fronts/`))
        continue;
      const key = [name ?? "", mount.target, identity].join("\n");
      if (seen.has(key)) continue;
      seen.add(key).add(identity);
      judge({ container, name, mount, identity, isMounted: mounted.has(identity) }, input, found);
    }
  }
  // What an undone release wrote is no longer in any container.
  for (const written of input.written.filter(({ count }) => count > 0)) {
    const isMounted = mounted.has(written.place) || found.content.some(({ digest }) => digest === digestIn(written.place));
    if (!isMounted && !seen.has(written.place)) tellContent(written, undefined, input, found);
  }
  return { ...found, declared: unique(found.declared), watched: unique(found.watched), notes: unique(found.notes) };
}

/** A mount of a container, with its counterpart in the release. */
interface Judged {
  container: ObservedContainer;
  /** The container's service, if the release has it. */
  name: string | undefined;
  mount: ObservedMount;
  identity: string;
  /** Whether any service of the release mounts the same. */
  isMounted: boolean;
}

function judge({ container, name, mount, identity, isMounted }: Judged, input: LeftBehindInput, found: LeftBehind): void {
  const service = name === undefined ? undefined : input.services[name];
  const successor = service === undefined ? undefined : mountAt(mount.target, service);
  const digest = identity.startsWith(`${input.stateDirectory}/files/`) ? digestIn(identity) : "";
  const written = input.written.find(({ place }) => digestIn(place) === digest);
  // The manifest of an earlier release may not know that this is data. The host does.
  const isData = written?.count === 0 || Object.values(input.before ?? {}).some(({ kind, place }) => kind === "data" && place === identity);
  const path = pathAt(successor?.source, input.after);
  if (digest !== "" && !isData) {
    if (!isMounted) judgeContent(written, digest, path ?? pathAt(identity, input.before ?? {}), input, found);
    return;
  }
  // Other services may still mount what this service would no longer see.
  if (service !== undefined && mountedIn([service], input.model).has(identity)) return;
  if (isMounted && successor === undefined) return;
  const told = `${container.name} has ${mount.type === "volume" ? `the volume ${identity}` : identity} at ${mount.target}`;
  if (name === undefined || service === undefined) {
    if (!isMounted && !isAnonymous(mount)) found.notes.push(`${told}: the release has no ${container.service}; what it wrote stays there`);
    return;
  }
  if (
    isAnonymous(mount) &&
    successor?.source === undefined &&
    !isLost(container, name, { told, isWritten: successor !== undefined }, input, found)
  )
    return;
  const place = path === undefined ? undefined : input.after[path];
  if (container.definition === "" && path !== undefined && place !== undefined && place.kind !== "data" && mount.type === "bind") {
    if (place.kind === "watched") found.plain.push({ path, source: identity, container: container.name, target: mount.target });
    else found.notes.push(`${told}; ${name} gets the commit's ${asWritten(path)} there, and what was written stays where it is`);
    return;
  }
  const instead = successor === undefined ? "nothing" : describe(successor, input.model);
  found.data.push(`${told}; the release would give ${name} ${instead} there, and leave behind what it wrote`);
}

/** Judges content of a commit that the release does not mount. */
function judgeContent(
  written: WrittenContent | undefined,
  digest: string,
  path: string | undefined,
  input: LeftBehindInput,
  found: LeftBehind,
): void {
  if (written !== undefined) tellContent(written, path, input, found);
  else if (path !== undefined && input.after[path]?.kind === "content") found.declared.push(digest);
  else found.watched.push(digest);
}

/**
 * Whether an anonymous volume that the release does not name will be in no container afterwards. Compose hands such a volume on
 * from a container to the one that replaces it in the same Compose service.
 */
function isLost(
  { service: running, definition }: ObservedContainer,
  name: string,
  { told, isWritten }: { told: string; isWritten: boolean },
  input: LeftBehindInput,
  found: LeftBehind,
): boolean {
  const service = input.services[name] ?? {};
  if ((service.volumes_from ?? []).length > 0) return false;
  const own = input.composeServices?.[name] ?? [name];
  if (!own.includes(running)) return true;
  if (input.unchanged?.has(name) === true) return false;
  if (own.length > 1) {
    found.notes.push(
      `${told}: each container of ${name} has a volume of its own, and another one in the other slot; what it wrote stays there`,
    );
    return false;
  }
  // A single container that could not be recreated is kept until the release serves, and its successors start beside it.
  const isReplaced =
    (definition !== "" && input.before !== undefined) || input.containers.filter((other) => other.service === running).length > 1;
  return !(input.isKept === true || ((isWritten || replicas(service) !== 1) && isReplaced));
}

function serviceOf({ service }: ObservedContainer, { services }: LeftBehindInput): string | undefined {
  return Object.keys(services).find((name) => isOf(service, name));
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)];
}

/**
 * Reports content that was written to. If the path is declared as content, by `:ro` or in coldtivate.yml, nothing that was
 * written to it is needed.
 */
function tellContent(written: WrittenContent, path: string | undefined, { before = {}, after }: LeftBehindInput, found: LeftBehind): void {
  const digest = digestIn(written.place);
  const former = path ?? Object.entries(before).find(([, { place }]) => digestIn(place) === digest)?.[0];
  const files = `${written.files.join(", ")}${written.count > written.files.length ? ` and ${written.count - written.files.length} more` : ""}`;
  const name = former === undefined ? written.place : asWritten(former);
  const told = `${name}: ${files} (in ${written.place})`;
  if (former !== undefined && after[former]?.kind === "content") {
    found.declared.push(digest);
    found.notes.push(`containers wrote to ${told}; it is content by now, so that this is left where it is`);
    return;
  }
  if (!found.content.some((other) => other.digest === digest)) found.content.push({ digest, told });
}

/** The path in the repository for a place of the release. */
function pathAt(place: string | undefined, places: Readonly<Record<string, MountPlace>>): string | undefined {
  return place === undefined ? undefined : Object.entries(places).find(([, other]) => other.place === place)?.[0];
}

function mountAt(target: string, { volumes = [] }: ComposeService) {
  return volumes.find((mount) => bare(mount.target) === bare(target) && (mount.type === "bind" || mount.type === "volume"));
}

function describe({ type, source }: { type: string; source?: string }, model: LeftBehindInput["model"]): string {
  if (source === undefined) return "a new volume";
  return type === "volume" ? `the volume ${volumeName({ ...model, services: {} }, source)}` : source;
}

/** Everything that services of the release mount, including folders within a mounted one. */
function mountedIn(services: readonly ComposeService[], model: LeftBehindInput["model"]): { has: (identity: string) => boolean } {
  const all = new Set<string>();
  for (const { volumes = [] } of services)
    for (const { type, source } of volumes)
      if (source !== undefined) all.add(type === "volume" ? volumeName({ ...model, services: {} }, source) : bare(source));
  return {
    has(identity) {
      if (!identity.startsWith("/")) return all.has(identity);
      for (let path = bare(identity); path !== ""; path = path.slice(0, path.lastIndexOf("/"))) if (all.has(path)) return true;
      return false;
    },
  };
}

/** An identity that two mounts of the same data share; undefined for a mount that stores nothing. */
function identityOf({ type, source, name }: ObservedMount): string | undefined {
  if (type === "volume") return name;
  return type === "bind" ? source : undefined;
}

function isAnonymous({ type, name = "" }: ObservedMount): boolean {
  return type === "volume" && /^[0-9a-f]{64}$/.test(name);
}

/** System paths of a host. No service stores data there. */
function isSystem(path: string): boolean {
  return (
    path === "/" ||
    path.endsWith(".sock") ||
    /^\/(dev|proc|sys|run|var\/run|etc\/(localtime|timezone|hosts|hostname|resolv\.conf|passwd|group))(\/|$)/.test(path)
  );
}

function bare(path: string): string {
  return path.replace(/\/+$/, "");
}
