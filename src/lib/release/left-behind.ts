import type { ObservedContainer, ObservedMount, WrittenContent } from "./observed.ts";
import { volumeName } from "./local-volume.ts";
import type { ComposeModel, ComposeService } from "./model.ts";
import { asWritten } from "./mounts.ts";
import { digestIn, isOf, type Place } from "./places.ts";

export interface LeftBehindInput {
  /** As the release has them: the services by name, with all that their containers mount. */
  services: Readonly<Record<string, ComposeService>>;
  model: Pick<ComposeModel, "name" | "volumes">;
  containers: readonly ObservedContainer[];
  written: readonly WrittenContent[];
  /** Absolute path on the host. */
  stateDirectory: string;
  /** Where things lie in the release that serves; undefined where none does, or one of an older coldtivate. */
  before: Readonly<Record<string, Place>> | undefined;
  /** Where things lie in the release. */
  after: Readonly<Record<string, Place>>;
}

/** What a release would no longer mount of what containers write to. */
export interface LeftBehind {
  /** Data of which a container has another one mounted in its place, or none: for people. */
  data: string[];
  /** Content that was written to, by its folder in `files/`, with what is told of it. */
  content: { digest: string; told: string }[];
  /** Folders of `files/` that were written to, and of which somebody said that they are content all the same. */
  declared: string[];
  /** Folders of `files/` that nobody wrote to, and nobody may until the release serves. */
  watched: string[];
  /** Folders of plain containers with what the commit has in them: the same is to be in them. */
  plain: { path: string; source: string; container: string; target: string }[];
  notes: string[];
}

/** Looks for what containers write to now and the release mounts nowhere. */
export function findLeftBehind(input: LeftBehindInput): LeftBehind {
  const mounted = mountedIn(input);
  const found: LeftBehind = { data: [], content: [], declared: [], watched: [], plain: [], notes: [] };
  const seen = new Set<string>();
  for (const container of input.containers) {
    if (container.oneOff) continue;
    for (const mount of container.mounts ?? []) {
      const identity = identityOf(mount);
      if (!mount.writable || identity === undefined || seen.has(identity) || mounted.has(identity)) continue;
      if (isSystem(identity) || identity.startsWith(`${input.stateDirectory}/fronts/`)) continue;
      seen.add(identity);
      judge(container, mount, identity, input, found);
    }
  }
  // What a release that was undone wrote is in no container any more.
  for (const written of input.written) {
    const isMounted = mounted.has(written.place) || found.content.some(({ digest }) => digest === digestIn(written.place));
    if (!isMounted && !seen.has(written.place)) tellContent(written, undefined, input, found);
  }
  return found;
}

function judge(container: ObservedContainer, mount: ObservedMount, identity: string, input: LeftBehindInput, found: LeftBehind): void {
  const name = Object.keys(input.services).find((service) => isOf(container.service, service));
  const successor = name === undefined ? undefined : mountAt(mount.target, input.services[name]!);
  const digest = identity.startsWith(`${input.stateDirectory}/files/`) ? digestIn(identity) : "";
  const isData = Object.values(input.before ?? {}).some(({ kind, place }) => kind === "data" && place === identity);
  if (digest !== "" && !isData) {
    const written = input.written.find(({ place }) => digestIn(place) === digest);
    if (written === undefined) found.watched.push(digest);
    else tellContent(written, pathAt(successor?.source, input.after), input, found);
    return;
  }
  const what = mount.type === "volume" ? `the volume ${identity}` : identity;
  const told = `${container.name} has ${what} at ${mount.target}`;
  if (name === undefined) {
    if (!isAnonymous(mount)) found.notes.push(`${told}: the release has no ${container.service}; what it wrote stays there`);
    return;
  }
  if (isAnonymous(mount) && (successor === undefined || successor.source === undefined)) return;
  const path = pathAt(successor?.source, input.after);
  const place = path === undefined ? undefined : input.after[path];
  if (container.definition === "" && path !== undefined && place !== undefined && place.kind !== "data" && mount.type === "bind") {
    if (place.kind === "watched") found.plain.push({ path, source: identity, container: container.name, target: mount.target });
    else found.notes.push(`${told}; ${name} gets the commit's ${asWritten(path)} there, and what was written stays where it is`);
    return;
  }
  if (successor === undefined && container.definition !== "" && input.before !== undefined) {
    found.notes.push(`${told}, and ${name} mounts nothing there any more: what it wrote stays there`);
    return;
  }
  const instead = successor === undefined ? "nothing" : describe(successor, input.model);
  found.data.push(`${told}; the release would give ${name} ${instead} there, and leave behind what it wrote`);
}

/** Whoever says that a path is content, by `:ro` or in coldtivate.yml, needs nothing of what was written to it. */
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

/** The path of the repository that a place of the release is of. */
function pathAt(place: string | undefined, places: Readonly<Record<string, Place>>): string | undefined {
  return place === undefined ? undefined : Object.entries(places).find(([, other]) => other.place === place)?.[0];
}

function mountAt(target: string, { volumes = [] }: ComposeService) {
  return volumes.find((mount) => bare(mount.target) === bare(target) && (mount.type === "bind" || mount.type === "volume"));
}

function describe({ type, source = "" }: { type: string; source?: string }, model: LeftBehindInput["model"]): string {
  return type === "volume" ? `the volume ${volumeName({ ...model, services: {} }, source)}` : source;
}

/** Whatever the release mounts somewhere. A folder that is within a mounted one is, too. */
function mountedIn({ services, model }: LeftBehindInput): { has: (identity: string) => boolean } {
  const all = new Set<string>();
  for (const { volumes = [] } of Object.values(services))
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

/** What two mounts have in common that show the same; undefined for one that keeps nothing. */
function identityOf({ type, source, name }: ObservedMount): string | undefined {
  if (type === "volume") return name;
  return type === "bind" ? source : undefined;
}

function isAnonymous({ type, name = "" }: ObservedMount): boolean {
  return type === "volume" && /^[0-9a-f]{64}$/.test(name);
}

/** What a host has of its own: nobody keeps anything there for a service. */
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
