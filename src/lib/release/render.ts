import type { FrontConfig, Rollout, ServiceConfig, TaskConfig } from "../config/config.ts";
import { nameVolumes, type VolumeNames } from "./anonymous-volumes.ts";
import { contentOf, definitions } from "./content.ts";
import { definitionOf } from "./definition.ts";
import { checksOf, type Checks } from "./checks.ts";
import { isContent } from "./content-mounts.ts";
import { frontConfig, holdConfig } from "./front-config.ts";
import { frontSettings } from "./front-settings.ts";
import {
  checkSlotNames,
  exclusiveParts,
  frontAliases,
  frontService,
  movedParts,
  namedSlot,
  slotName,
  slotsOf,
  type FrontImage,
  type Slot,
} from "./fronts.ts";
import type { ObservedContainer } from "./observed.ts";
import { factsInUse, type ImageFacts } from "./image-facts.ts";
import { labels } from "./labels.ts";
import { findMentions } from "./mentioned-ports.ts";
import { isActive, replicas, type ComposeModel, type ComposeService } from "./model.ts";
import { checkNames } from "./names.ts";
import { dependencies } from "./order.ts";
import { placeFiles, type Layout, type PlacementInput } from "./placement.ts";
import type { FrontPort } from "./ports.ts";
import { reachedBy } from "./reach.ts";
import { addPorts } from "./further-ports.ts";
import { mapValues } from "./record.ts";
import { inferRollouts, type ServiceRollout } from "./rollout.ts";
import { byService } from "./sharing.ts";
import type { KeptFile } from "./sources.ts";
import { withTimeToStop } from "./stopping.ts";
import { renderTask } from "./task.ts";
import { taskDefinition } from "./task-runs.ts";
import { keepWritten, nameVariables, restoreVariables, writtenKey } from "./variable-sources.ts";

export interface PinnedImage {
  /** `repository@sha256:…` */
  image: string;
  /** Its name in coldtivate.yml, if the project builds it. */
  built?: string;
}

export interface RenderInput extends PlacementInput {
  /** Name of the Compose project. */
  project: string;
  /** By the reference that the Compose files, or the fronts' settings, write. */
  images: ReadonlyMap<string, PinnedImage>;
  /** By image as it runs: what it says of itself; one that nobody could be asked about is missing. */
  imageFacts?: ReadonlyMap<string, ImageFacts>;
  /** By name of an image that the project builds: what it is built from, as references. */
  bases?: ReadonlyMap<string, readonly string[]>;
  /** What the host runs. */
  containers?: readonly ObservedContainer[];
  /** By service with a front: the slot that it points at. */
  live?: Readonly<Record<string, Slot>>;
  /** Volumes that stand for such without a name in the release that serves. */
  knownVolumes?: VolumeNames | undefined;
  /** What the fronts that are there run, by service: a release does not change it. */
  runningFronts?: Readonly<Record<string, FrontImage>>;
  front: FrontConfig;
  /** Settings of services, by name. */
  services: Readonly<Record<string, ServiceConfig>>;
  tasks: readonly TaskConfig[];
  /** Active Compose profiles. */
  profiles: readonly string[];
}

/** A release as the host will run it. */
export interface Rendered {
  /** Fed to `docker compose -f` as it is. */
  model: ComposeModel;
  /** The services that are part of the release, by the names that the Compose files give them. */
  services: Record<string, RenderedService>;
  /** The fronts of those that have one, by service. */
  fronts: Record<string, RenderedFront>;
  tasks: Record<string, RenderedTask>;
  /** What has to be reached before it commits, in the words of reach.ts. */
  reach: string[];
  /** What is known of the services' images, by image as it runs. */
  images: Record<string, ImageFacts>;
  /** Volumes that stand for such without a name. */
  volumeNames: VolumeNames;
  files: KeptFile[];
  /** Where its mounts lie; absent for a kept release, which the host has prepared for. */
  layout?: Layout;
  notes: string[];
}

export interface RenderedService extends Checks {
  /** Of its containers, whichever slot they are in. */
  definition: string;
  reference: string;
  image: string;
  built?: string;
  /** Digest of each variable's value. */
  environment: Record<string, string>;
  rollout: Rollout;
  /** Why that rollout, in the user's words. */
  rolloutReason: string;
}

export interface RenderedFront extends FrontImage {
  definition: string;
  slots: Slot[];
  ports: FrontPort[];
  /** HAProxy's configuration, a template. */
  config: string;
  /** The one for the time in which the slot is replaced, if that is how it is rolled out. */
  hold?: string;
  /** Digest of both. */
  configuration: string;
  /** What the Compose files give to the service, and its front holds. */
  moved: string[];
  /** What its successor cannot have as long as it is there; with none, that one takes over without a gap. */
  exclusive: string[];
}

export interface RenderedTask {
  /** The service that it runs with. */
  service: string;
  definition: string;
  image: string;
  /** Milliseconds. */
  timeout: number;
  /** Whether another command takes it back. */
  hasUndo: boolean;
  /** Whether it runs although its last run was the same. */
  runsAlways?: boolean;
  /** The services that the one it runs in depends on. */
  needs: string[];
}

/**
 * Turns the merged Compose model into what runs: images pinned by digest, files by content, services in slots behind fronts
 * where that is how they roll out, tasks as services of their own, and labels that say which definition a container came
 * from. Pure; equal input gives equal text.
 */
export function render(input: RenderInput): Rendered {
  const { values, ...replaced } = nameVariables(input);
  const { services: placed, files, notes, layout, ...sources } = placeFiles({ ...input, ...replaced });
  const moved = { ...sources, configs: restoreVariables(sources.configs), secrets: restoreVariables(sources.secrets) };
  const pinned = mapValues(placed, (service) => pin(service, input));
  const written = byService({ ...input.model, ...moved, name: input.project, services: pinned }, input.project);
  const active = Object.keys(written.services).filter((name) => isActive(written.services[name] ?? {}, input.profiles));
  const factsOf = (name: string) => input.imageFacts?.get(written.services[name]?.image ?? "");
  const mentions = findMentions({ ...input, model: written, files });
  const inferred = inferRollouts({
    model: written,
    names: active,
    config: input.services,
    isBuilt: (name) => builtImage(input, name) !== undefined,
    factsOf,
    basesOf: (name) => input.bases?.get(builtImage(input, name) ?? "") ?? [],
    isContent: (mount) => isContent(mount, { files, layout, stateDirectory: input.stateDirectory }),
  });
  const { rollouts, notes: portNotes } = addPorts(inferred, { model: written, mentions, config: input.services });
  const { containers = [], live = {}, knownVolumes = {}, project, digest } = input;
  const named = nameVolumes(written, { project, names: active, factsOf, containers, live, known: knownVolumes, digest });
  const frame = {
    ...written,
    ...(named.volumes === undefined ? {} : { volumes: named.volumes }),
    services: mapValues(named.services, (service, name) => withTimeToStop(service, rollouts.get(name))),
  };
  checkSlotNames(frame, rollouts);
  checkNames({ model: frame, rollouts, tasks: input.tasks, project: input.project });
  const isFronted = (name: string) => slotsOf(rollouts.get(name) ?? { rollout: "recreate" }).length > 0;

  const services: Record<string, ComposeService> = {};
  const single: Record<string, ComposeService> = {};
  const rendered: Record<string, RenderedService> = {};
  const fronts: Record<string, RenderedFront> = {};
  const contents = mapValues(frame.services, (service, name) =>
    contentOf(service, rollouts.get(name), isFronted, { ...input, model: frame }),
  );
  const definitionFor = definitions(contents, frame, input.digest);
  for (const [name, service] of Object.entries(frame.services)) {
    const rollout = rollouts.get(name);
    const slots = slotsOf(rollout ?? { rollout: "recreate" });
    const content = contents[name] ?? service;
    const definition = definitionFor(name);
    const labelled = label(content, definition, input);
    // As Compose does it, a task's volumes without a name are its own.
    const alone = written.services[name] ?? {};
    single[name] = contentOf(alone, rollout, isFronted, { ...input, model: written });
    if (slots.length === 0 || rollout === undefined) services[name] = labelled;
    else {
      const front = renderFront(name, rollout, slots, frame, input);
      services[name] = front.service;
      fronts[name] = front.rendered;
      for (const slot of slots) services[slotName(name, slot)] = namedSlot(labelled, slot);
    }
    if (rollout === undefined) continue;
    rendered[name] = describe(service, definition, rollout, input.model.services[name]?.image ?? "", builtImage(input, name), input);
  }

  const tasks: Record<string, RenderedTask> = {};
  for (const task of input.tasks) {
    const base = single[task.service];
    const owner = frame.services[task.service];
    if (base === undefined || owner === undefined) continue;
    const mark = (service: ComposeService) => ({ ...service, labels: { ...service.labels, [labels.state]: input.stateDirectory } });
    const service = renderTask(base, task.run);
    services[`task-${task.name}`] = mark(service);
    if (task.undo !== undefined) services[`undo-${task.name}`] = mark(renderTask(base, task.undo));
    tasks[task.name] = {
      service: task.service,
      definition: taskDefinition(service, owner, frame, input.digest),
      image: service.image ?? "",
      timeout: task.timeout,
      hasUndo: task.undo !== undefined,
      ...(task.when === "always" ? { runsAlways: true } : {}),
      needs: dependencies(owner),
    };
  }
  const images = factsInUse(Object.values(rendered), input.imageFacts);
  const copied = keepWritten({ ...frame, services }, values, input.digest);
  // First of all, so that the script finds it without reading JSON.
  const head = copied === undefined ? {} : { [writtenKey]: `${input.stateDirectory}/${copied.place}` };
  return {
    model: { ...head, ...frame, services },
    services: rendered,
    fronts,
    tasks,
    reach: reachedBy({ model: frame, rollouts, config: input.services, mentions }),
    images,
    volumeNames: named.names,
    files: [...files, ...(copied?.kept ?? [])],
    layout,
    notes: [...notes, ...portNotes],
  };
}

/** A service with its image as it runs, and without what Compose would build or pull it with. */
function pin(written: ComposeService, { images }: RenderInput): ComposeService {
  const { build: _build, develop: _develop, env_file: _envFile, pull_policy: _pullPolicy, ...service } = written;
  const image = images.get(written.image ?? "")?.image;
  return image === undefined ? service : { ...service, image };
}

function builtImage({ model, images }: RenderInput, name: string): string | undefined {
  return images.get(model.services[name]?.image ?? "")?.built;
}

function describe(
  service: ComposeService,
  definition: string,
  { rollout, reason }: ServiceRollout,
  reference: string,
  built: string | undefined,
  { digest, imageFacts }: RenderInput,
): RenderedService {
  return {
    definition,
    reference,
    image: service.image ?? reference,
    ...(built === undefined ? {} : { built }),
    environment: mapValues(service.environment ?? {}, (value) => digest(value ?? "").slice(0, 12)),
    ...checksOf(service, imageFacts?.get(service.image ?? "")),
    rollout,
    rolloutReason: reason,
  };
}

function renderFront(
  name: string,
  rollout: ServiceRollout,
  slots: Slot[],
  frame: ComposeModel,
  input: RenderInput,
): { service: ComposeService; rendered: RenderedFront } {
  const written = frame.services[name] ?? {};
  const { image: reference, memory } = input.front;
  const made = { reference, image: input.images.get(reference)?.image ?? reference, memory, names: replicas(written) };
  const front: FrontImage = input.runningFronts?.[name] ?? made;
  const aliases = frontAliases(name, written, input.project, front.names);
  const exposed = [...(written.expose ?? []), ...(input.imageFacts?.get(written.image ?? "")?.ports ?? []).map(String)];
  const isSilent = exposed.length === 0 && (written.ports ?? []).length === 0;
  const service = frontService(
    { ...written, expose: isSilent ? rollout.ports.map(({ port }) => String(port)) : exposed },
    front,
    `${input.stateDirectory}/fronts/${name}`,
    aliases,
  );
  const definition = definitionOf(service, frame, input.digest);
  const settings = frontSettings(written, rollout, input.services[name] ?? {}, frame);
  const config = frontConfig(settings);
  const hold = rollout.rollout === "hold" ? { hold: holdConfig(settings) } : {};
  const configuration = input.digest(config + (hold.hold ?? ""));
  return {
    service: label(service, definition, input),
    rendered: {
      reference: front.reference,
      image: front.image,
      ...(front.memory === undefined ? {} : { memory: front.memory }),
      ...((front.names ?? 1) > 1 ? { names: front.names } : {}),
      definition,
      slots,
      ports: rollout.ports,
      config,
      ...hold,
      configuration,
      moved: movedParts(written),
      exclusive: exclusiveParts(service),
    },
  };
}

function label(service: ComposeService, definition: string, { stateDirectory }: RenderInput): ComposeService {
  return { ...service, labels: { ...service.labels, [labels.definition]: definition, [labels.state]: stateDirectory } };
}
