import type { TaskConfig } from "../config/config.ts";
import { canonical } from "./canonical.ts";
import { labels } from "./labels.ts";
import { isActive, type ComposeModel, type ComposeService, type ComposeSource } from "./model.ts";
import { keepTree, pathInSource, type Digest, type KeptFile, type SourceTree } from "./sources.ts";
import { renderTask } from "./task.ts";

export interface PinnedImage {
  /** `repository@sha256:…` */
  image: string;
  /** Its name in coldtivate.yml, if the project builds it. */
  built?: string;
}

export interface RenderInput {
  /** From `docker compose config`. */
  model: ComposeModel;
  /** Name of the Compose project. */
  project: string;
  /** Absolute path on the host. */
  stateDirectory: string;
  /** What the model's relative paths were resolved against, absolute on the host. */
  sourceDirectory: string;
  /** By the reference that the Compose files write. */
  images: ReadonlyMap<string, PinnedImage>;
  tasks: readonly TaskConfig[];
  /** By path in the repository; a path that the commit does not have is missing here. */
  sources: ReadonlyMap<string, SourceTree>;
  /** Values for secrets and configs that come from variables. */
  variables: Readonly<Record<string, string>>;
  /** Active Compose profiles. */
  profiles: readonly string[];
  digest: Digest;
}

/** A release as the host will run it. */
export interface Rendered {
  /** Fed to `docker compose -f` as it is. */
  model: ComposeModel;
  /** The services that are part of the release. */
  services: Record<string, RenderedService>;
  tasks: Record<string, RenderedTask>;
  files: KeptFile[];
  notes: string[];
}

export interface RenderedService {
  definition: string;
  reference: string;
  image: string;
  built?: string;
  /** Digest of each variable's value. */
  environment: Record<string, string>;
  /** Whether a health check decides that it is up. */
  checked: boolean;
}

export interface RenderedTask {
  definition: string;
  image: string;
  /** Milliseconds. */
  timeout: number;
}

/**
 * Turns the merged Compose model into what runs: images pinned by digest, files by content, tasks as services of their
 * own, and labels that say which definition a container came from. Pure; equal input gives equal text.
 */
export function render(input: RenderInput): Rendered {
  const files = new Map<string, KeptFile>();
  const notes: string[] = [];
  const place = placer(input, files, notes);
  const configs = mapValues(input.model.configs ?? {}, (source, name) => placeSource(source, name, input, place, files));
  const secrets = mapValues(input.model.secrets ?? {}, (source, name) => placeSource(source, name, input, place, files));
  const frame = { ...input.model, name: input.project, configs, secrets };

  const services: Record<string, ComposeService> = {};
  const rendered: Record<string, RenderedService> = {};
  for (const [name, written] of Object.entries(input.model.services)) {
    const pinned = input.images.get(written.image ?? "");
    const service = renderService(written, pinned?.image ?? written.image, place);
    const definition = input.digest(canonical([service, referred(frame, service)]));
    const reference = written.image ?? "";
    services[name] = label(service, {
      [labels.definition]: definition,
      [labels.state]: input.stateDirectory,
    });
    if (!isActive(written, input.profiles)) continue;
    rendered[name] = {
      definition,
      reference,
      image: pinned?.image ?? reference,
      ...(pinned?.built === undefined ? {} : { built: pinned.built }),
      environment: mapValues(service.environment ?? {}, (value) => input.digest(value ?? "").slice(0, 12)),
      checked: service.healthcheck?.test !== undefined && service.healthcheck.disable !== true && service.healthcheck.test[0] !== "NONE",
    };
  }

  const tasks: Record<string, RenderedTask> = {};
  for (const task of input.tasks) {
    const base = services[task.service];
    if (base === undefined) continue;
    const service = renderTask(base, task, (name) => rendered[name] !== undefined && rendered[name].built === undefined);
    services[`task-${task.name}`] = service;
    tasks[task.name] = {
      definition: input.digest(canonical([service, referred(frame, service)])),
      image: service.image ?? "",
      timeout: task.timeout,
    };
  }
  return { model: { ...frame, services }, services: rendered, tasks, files: [...files.values()], notes };
}

type Place = (absolute: string, user: string) => string;

/** Where a path of the model lies on the host: content of the commit by its digest, anything else in the state's `data`. */
function placer(input: RenderInput, files: Map<string, KeptFile>, notes: string[]): Place {
  return (absolute, user) => {
    const path = pathInSource(absolute, input.sourceDirectory);
    if (path === undefined) return absolute;
    const tree = input.sources.get(path);
    if (tree === undefined) {
      notes.push(`${user} mounts ./${path}, which the commit does not have: it is kept on the host, in data/${path}`);
      return `${input.stateDirectory}/data/${path}`;
    }
    const { place, kept } = keepTree(path, tree, input.digest);
    for (const file of kept) files.set(file.path, file);
    return `${input.stateDirectory}/${place}`;
  };
}

function renderService(written: ComposeService, image: string | undefined, place: Place): ComposeService {
  const { build: _build, develop: _develop, env_file: _envFile, pull_policy: _pullPolicy, ...service } = written;
  const volumes = service.volumes?.map((mount) =>
    mount.type === "bind" && mount.source !== undefined ? { ...mount, source: place(mount.source, mount.target) } : mount,
  );
  return { ...service, ...(image === undefined ? {} : { image }), ...(volumes === undefined ? {} : { volumes }) };
}

function placeSource(source: ComposeSource, name: string, input: RenderInput, place: Place, files: Map<string, KeptFile>): ComposeSource {
  if (source.file !== undefined) return { ...source, file: place(source.file, name) };
  if (source.environment === undefined) return source;
  const { environment, ...rest } = source;
  const content = new TextEncoder().encode(input.variables[environment] ?? "");
  const kept = keepTree(name, { files: [{ path: "", executable: false, content }] }, input.digest);
  for (const file of kept.kept) files.set(file.path, file);
  return { ...rest, file: `${input.stateDirectory}/${kept.place}` };
}

/** The top-level definitions that a service refers to: a change in one of them changes the service. */
function referred(frame: ComposeModel, service: ComposeService): unknown {
  const volumes = (service.volumes ?? []).map((mount) => (mount.type === "volume" ? mount.source : undefined));
  return [
    pick(frame.configs, service.configs?.map(({ source }) => source) ?? []),
    pick(frame.secrets, service.secrets?.map(({ source }) => source) ?? []),
    pick(frame.networks, Object.keys(service.networks ?? {})),
    pick(frame.volumes, volumes),
  ];
}

function pick(all: Record<string, unknown> | undefined, names: readonly (string | undefined)[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => name !== undefined).map((name) => [name, all?.[name]]));
}

function label(service: ComposeService, added: Record<string, string>): ComposeService {
  return { ...service, labels: { ...service.labels, ...added } };
}

function mapValues<In, Out>(record: Record<string, In>, map: (value: In, name: string) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}
