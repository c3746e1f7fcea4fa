import { surveyHost, type SurveyQuestion } from "../../adapters/host/host-survey.ts";
import type { HostConnection } from "../../adapters/ssh/ssh.ts";
import type { TarEntry } from "../../adapters/tar.ts";
import { compareTree, type ListedFile } from "../../mounts/compare-tree.ts";
import { slotName } from "../../fronts/fronts.ts";
import type { HostState } from "../../host/host-state.ts";
import { findLeftBehind, type LeftBehind } from "../../mounts/left-behind.ts";
import { localFolder } from "../../compose/local-volume.ts";
import type { ComposeModel, ComposeService } from "../../compose/model.ts";
import { asWritten } from "../../mounts/mounts.ts";
import type { RequiredPath } from "../../mounts/needs.ts";
import { isOf, type MountPlace } from "../../mounts/places.ts";
import { mapValues } from "../../common/plain.ts";
import type { Rendered, RenderedFront } from "../../release/rendered.ts";
import { pathInSource, type Digest, type SourceTree } from "../../compose/sources.ts";

/** The host to ask, and how. */
export interface Asking {
  connection: HostConnection;
  script: readonly TarEntry[];
  signal: AbortSignal;
}

export interface MountFacts {
  state: HostState;
  rendered: Rendered;
  /** The commit's files for mounts; empty for a release that the host keeps. */
  sources: ReadonlyMap<string, SourceTree>;
  digest: Digest;
}

/** Problems with a release's mounts on a host, and what has to be checked again later. */
export interface MountReport {
  /** What the host lacks, described for people. */
  missing: string[];
  /** Data that the release would leave behind. */
  data: string[];
  /** Content that was written to, and that the release does not mount. */
  content: LeftBehind["content"];
  /** Folders of `files/` that may stay as they are. */
  declared: string[];
  /** Arguments of the step `unwritten`. */
  unwritten: string[];
  notes: string[];
}

/** The folders of volumes that a host already has, by volume name. An engine keeps the options that a volume was created with. */
export async function askDevices(
  model: ComposeModel,
  { sourceDirectory, manifest }: HostState,
  asking: Asking,
): Promise<Record<string, string>> {
  const volumes = Object.keys(model.volumes ?? {}).flatMap((volume) => {
    const folder = localFolder(model, volume);
    const path = pathInSource(folder?.device, sourceDirectory);
    return folder === undefined || path === undefined || manifest?.places?.[path] !== undefined ? [] : [folder.name];
  });
  const questions = volumes.map((subject): SurveyQuestion => ({ about: "device", subject }));
  const answers = await surveyHost(asking.connection, asking.script, questions, asking.signal);
  return Object.fromEntries(
    answers.flatMap(([about, volume = "", device = ""]) => (about === "device" && device !== "" ? [[volume, device]] : [])),
  );
}

/** Asks a host for everything else that decides whether a release may have its mounts there. */
export async function examineMounts(facts: MountFacts, asking: Asking): Promise<MountReport> {
  const { state, rendered, sources, digest } = facts;
  const places: Readonly<Record<string, MountPlace>> = rendered.layout?.places ?? state.manifest?.places ?? {};
  const left = findLeftBehind({
    services: contentsOf(rendered, state),
    model: rendered.model,
    composeServices: mapValues(rendered.fronts, (front, name) => composeNames(name, front)),
    unchanged: unchangedIn(rendered, state),
    isKept: rendered.layout === undefined,
    containers: state.containers,
    written: state.written ?? [],
    stateDirectory: state.stateDirectory,
    before: state.manifest?.places,
    after: places,
  });
  const needs = rendered.layout?.needs ?? [];
  const answers = await surveyHost(
    asking.connection,
    asking.script,
    [
      ...needs.map(({ place }): SurveyQuestion => ({ about: "exists", subject: place })),
      ...left.plain.map(({ source }): SurveyQuestion => ({ about: "tree", subject: source })),
    ],
    asking.signal,
  );
  const lacks = new Set(answers.flatMap(([about, path = "", is]) => (about === "exists" && is === "no" ? [path] : [])));
  const lacking = needs.filter(({ place }) => lacks.has(place));
  const report: MountReport = {
    missing: lacking.filter(({ isRequired }) => isRequired).map((need) => describeNeed(need, state.host)),
    data: left.data.map((told) => `${state.host}: ${told}`),
    content: left.content.map(({ digest: folder, told }) => ({ digest: folder, told: `${state.host}: containers wrote to ${told}` })),
    declared: left.declared,
    unwritten: left.watched,
    notes: [
      ...left.notes,
      ...lacking
        .filter(({ isRequired }) => !isRequired)
        .map(({ user, written, place }) => `${user}: ${written} is nowhere; it is an empty folder then, ${place}`),
    ],
  };
  for (const { path, source, container, target } of left.plain) {
    const listed = answers.flatMap(([about, of, hash = "", file = ""]): ListedFile[] =>
      about === "file" && of === source ? [{ path: file, hash }] : [],
    );
    const sum = answers.find(([about, of]) => about === "sum" && of === source)?.[2] ?? "";
    const untold = Number(answers.find(([about, of]) => about === "more" && of === source)?.[2] ?? 0);
    const differing = compareTree(listed, sources.get(path), digest);
    if (differing.length === 0 && untold > 0)
      report.data.push(
        `${state.host}: ${container} has ${source} at ${target}: ${untold} of its files are too many to be compared with the commit's ./${path}`,
      );
    else if (differing.length === 0) report.unwritten.push(source, sum);
    else {
      const some = `${differing.slice(0, 10).join(", ")}${differing.length > 10 ? ` and ${differing.length - 10} more` : ""}`;
      report.data.push(
        `${state.host}: ${container} has ${source} at ${target}, which differs from the commit's ${asWritten(path)}: ${some}`,
      );
    }
  }
  return report;
}

function describeNeed({ user, written, place }: RequiredPath, host: string): string {
  return `${host}: ${user}, needs ${written}, which neither the commit nor the host has${written === place ? "" : ` (${place})`}`;
}

/** Services that keep their containers. */
function unchangedIn({ services, fronts }: Rendered, { containers }: HostState): Set<string> {
  const isChanged = (name: string, definition: string) => {
    const own = composeNames(name, fronts[name]);
    return containers.some((container) => !container.oneOff && own.includes(container.service) && container.definition !== definition);
  };
  return new Set(Object.entries(services).flatMap(([name, { definition }]) => (isChanged(name, definition) ? [] : [name])));
}

/** The names of a service in Compose: those of its slots if it has a front. */
function composeNames(name: string, front: RenderedFront | undefined): string[] {
  return front === undefined ? [name] : front.slots.map((slot) => slotName(name, slot));
}

/** The definitions of a release's services as their containers get them, by the names in the Compose files. */
function contentsOf({ services, fronts, model }: Rendered, { containers }: HostState): Record<string, ComposeService> {
  const names = Object.keys(model.services).filter(
    (name) => services[name] !== undefined || containers.some(({ service }) => isOf(service, name)),
  );
  return Object.fromEntries(
    names.map((name) => {
      const [slot] = fronts[name]?.slots ?? [];
      return [name, model.services[slot === undefined ? name : `${name}-${slot}`] ?? {}];
    }),
  );
}
