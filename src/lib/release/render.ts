import type { FrontConfig, Rollout, ServiceConfig, TaskConfig } from "../config/config.ts";
import { definitionOf } from "./definition.ts";
import { frontConfig, holdConfig } from "./front-config.ts";
import { frontSettings } from "./front-settings.ts";
import {
  checkSlotNames,
  exclusiveParts,
  frontService,
  movedParts,
  namedSlot,
  relaxDependencies,
  slotName,
  slotService,
  slotsOf,
  type FrontImage,
  type Slot,
} from "./fronts.ts";
import type { ImageFacts } from "./image-facts.ts";
import { labels } from "./labels.ts";
import { findMentions } from "./mentioned-ports.ts";
import { isActive, type ComposeModel, type ComposeService } from "./model.ts";
import { isPlacedContent, placeFiles, type Layout, type PlacementInput } from "./placement.ts";
import type { FrontPort } from "./ports.ts";
import { reachedBy } from "./reach.ts";
import { addPorts } from "./further-ports.ts";
import { mapValues } from "./record.ts";
import { inferRollouts, type ServiceRollout } from "./rollout.ts";
import type { KeptFile } from "./sources.ts";
import { renderTask } from "./task.ts";

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
  files: KeptFile[];
  /** Where its mounts lie; absent for a kept release, which the host has prepared for. */
  layout?: Layout;
  notes: string[];
}

export interface RenderedService {
  /** Of its containers, whichever slot they are in. */
  definition: string;
  reference: string;
  image: string;
  built?: string;
  /** Digest of each variable's value. */
  environment: Record<string, string>;
  /** Whether a health check decides that it is up. */
  checked: boolean;
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
  definition: string;
  image: string;
  /** Milliseconds. */
  timeout: number;
  /** Whether another command takes it back. */
  hasUndo: boolean;
}

/**
 * Turns the merged Compose model into what runs: images pinned by digest, files by content, services in slots behind fronts
 * where that is how they roll out, tasks as services of their own, and labels that say which definition a container came
 * from. Pure; equal input gives equal text.
 */
export function render(input: RenderInput): Rendered {
  const { services: placed, files, notes, layout, ...moved } = placeFiles(input);
  const frame = { ...input.model, ...moved, name: input.project, services: mapValues(placed, (service) => pin(service, input)) };
  const active = Object.keys(frame.services).filter((name) => isActive(frame.services[name] ?? {}, input.profiles));
  const mentions = findMentions({ ...input, model: frame, files });
  const inferred = inferRollouts({
    model: frame,
    names: active,
    config: input.services,
    isBuilt: (name) => builtImage(input, name) !== undefined,
    isContent: (source) => isPlacedContent(source, input.stateDirectory, layout),
  });
  const { rollouts, notes: portNotes } = addPorts(inferred, { model: frame, mentions, config: input.services });
  checkSlotNames(frame, rollouts);
  const isFronted = (name: string) => slotsOf(rollouts.get(name) ?? { rollout: "recreate" }).length > 0;

  const services: Record<string, ComposeService> = {};
  const single: Record<string, ComposeService> = {};
  const rendered: Record<string, RenderedService> = {};
  const fronts: Record<string, RenderedFront> = {};
  for (const [name, service] of Object.entries(frame.services)) {
    const rollout = rollouts.get(name);
    const slots = slotsOf(rollout ?? { rollout: "recreate" });
    const content = slots.length > 0 ? slotService(service, isFronted) : relaxDependencies(service, isFronted);
    const definition = definitionOf(content, frame, input.digest);
    const labelled = label(content, definition, input);
    single[name] = content;
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
    if (base === undefined) continue;
    const isReady = (name: string) => rendered[name]?.rollout === "recreate" && rendered[name].built === undefined;
    const mark = (service: ComposeService) => ({ ...service, labels: { ...service.labels, [labels.state]: input.stateDirectory } });
    const service = renderTask(base, task.run, isReady);
    services[`task-${task.name}`] = mark(service);
    if (task.undo !== undefined) services[`undo-${task.name}`] = mark(renderTask(base, task.undo, isReady));
    tasks[task.name] = {
      definition: definitionOf(service, frame, input.digest),
      image: service.image ?? "",
      timeout: task.timeout,
      hasUndo: task.undo !== undefined,
    };
  }
  const images = factsOf(Object.values(rendered), input);
  const reach = reachedBy({ model: frame, rollouts, config: input.services, mentions });
  return {
    model: { ...frame, services },
    services: rendered,
    fronts,
    tasks,
    reach,
    images,
    files,
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

function factsOf(services: readonly RenderedService[], { imageFacts }: RenderInput): Record<string, ImageFacts> {
  const used = new Set(services.map(({ image }) => image));
  return Object.fromEntries(
    [...(imageFacts ?? [])].filter(([image]) => used.has(image)).toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
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
  { digest }: RenderInput,
): RenderedService {
  return {
    definition,
    reference,
    image: service.image ?? reference,
    ...(built === undefined ? {} : { built }),
    environment: mapValues(service.environment ?? {}, (value) => digest(value ?? "").slice(0, 12)),
    checked: isChecked(service),
    rollout,
    rolloutReason: reason,
  };
}

/** Whether a health check decides that a service is up. */
export function isChecked({ healthcheck }: ComposeService): boolean {
  return healthcheck?.test !== undefined && healthcheck.disable !== true && healthcheck.test[0] !== "NONE";
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
  const front = input.runningFronts?.[name] ?? { reference, image: input.images.get(reference)?.image ?? reference, memory };
  const exposed = [...(written.expose ?? []), ...(input.imageFacts?.get(written.image ?? "")?.ports ?? []).map(String)];
  const isSilent = exposed.length === 0 && (written.ports ?? []).length === 0;
  const service = frontService(
    { ...written, expose: isSilent ? rollout.ports.map(({ port }) => String(port)) : exposed },
    front,
    `${input.stateDirectory}/fronts/${name}`,
    `${input.project}-${name}-1`,
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
