import { nameVolumes } from "../mounts/anonymous-volumes.ts";
import { contentOf, definitions } from "./content.ts";
import { checksOf } from "../fronts/checks.ts";
import { isContent } from "../mounts/content-mounts.ts";
import { asItself, checkSlotNames, namedSlot, slotName, slotsOf } from "../fronts/fronts.ts";
import { askedByName, checkOf, ownNames } from "../services/health-check.ts";
import { factsInUse } from "../services/image-facts.ts";
import { labels } from "../fronts/labels.ts";
import { findMentions } from "../services/mentioned-ports.ts";
import { isActive, type ComposeService } from "../compose/model.ts";
import { checkNames } from "../fronts/names.ts";
import { dependencies } from "../compose/order.ts";
import { placeFiles } from "../mounts/placement.ts";
import { reachedBy } from "../fronts/reach.ts";
import { addPorts } from "../fronts/further-ports.ts";
import { mapValues } from "../common/plain.ts";
import { label, renderFront } from "./render-front.ts";
import type { Rendered, RenderedFront, RenderedService, RenderedTask, RenderInput } from "./rendered.ts";
import { hasFront, inferRollouts, type ServiceRollout } from "../fronts/rollout.ts";
import { byService, restartsWith } from "../compose/sharing.ts";
import { slotAddresses } from "../fronts/slot-addresses.ts";
import { withoutAddedTime, withTimeToStop } from "../compose/stopping.ts";
import { renderTask } from "./task.ts";
import { taskDefinition } from "./task-runs.ts";
import { keepWritten, nameVariables, restoreVariables, writtenKey } from "./variable-sources.ts";

/**
 * Turns the merged Compose model into what runs:
 *
 * - images pinned by digest,
 * - files by content,
 * - services in slots behind fronts, if they roll out that way,
 * - tasks as services of their own,
 * - labels that say which definition a container came from.
 *
 * This is a pure function: equal input gives equal text.
 */
export function render(input: RenderInput): Rendered {
  const { values, ...replaced } = nameVariables(input);
  const isUsed = (name: string) =>
    isActive(input.model.services[name] ?? {}, input.profiles) || input.tasks.some(({ service }) => service === name);
  const { services: placed, files, notes, layout, ...sources } = placeFiles({ ...input, ...replaced, isUsed });
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
    mentions,
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
  const isFronted = (name: string) => hasFront(rollouts.get(name) ?? { rollout: "recreate" });

  const services: Record<string, ComposeService> = {};
  const single: Record<string, ComposeService> = {};
  const rendered: Record<string, RenderedService> = {};
  const fronts: Record<string, RenderedFront> = {};
  const contents = mapValues(frame.services, (service, name) => {
    const content = contentOf(service, rollouts.get(name), isFronted, { ...input, model: frame });
    return isFronted(name) ? asItself(content, askedByName(checkOf(service, factsOf(name)), ownNames(name, service))) : content;
  });
  const addresses = slotAddresses(frame, slotNames(rollouts), input.digest);
  const defining = mapValues(contents, (content, name) => withoutAddedTime(content, named.services[name]));
  const definitionFor = definitions(defining, frame, input.digest);
  for (const [name, service] of Object.entries(frame.services)) {
    const rollout = rollouts.get(name);
    const slots = slotsOf(rollout ?? { rollout: "recreate" });
    const content = contents[name] ?? service;
    const definition = definitionFor(name);
    const labelled = label(content, definition, input);
    // As in Compose, a task has its own anonymous volumes.
    const alone = written.services[name] ?? {};
    single[name] = contentOf(alone, rollout, isFronted, { ...input, model: written });
    if (slots.length === 0 || rollout === undefined) services[name] = labelled;
    else {
      const front = renderFront(name, rollout, slots, frame, input);
      services[name] = front.service;
      fronts[name] = front.rendered;
      for (const slot of slots) services[slotName(name, slot)] = namedSlot(labelled, slot, addresses.get(slotName(name, slot)));
    }
    if (rollout === undefined) continue;
    const restarts = restartsWith(service).filter(isFronted);
    rendered[name] = {
      ...describe(service, definition, rollout, input.model.services[name]?.image ?? "", builtImage(input, name), input),
      ...(restarts.length === 0 ? {} : { restarts }),
    };
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
  // The first key, so that the script finds it without parsing JSON.
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

function slotNames(rollouts: ReadonlyMap<string, ServiceRollout>): Map<string, string[]> {
  return new Map([...rollouts].map(([name, rollout]) => [name, slotsOf(rollout).map((slot) => slotName(name, slot))]));
}

/** A service with its pinned image, and without the settings that Compose would build or pull it with. */
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
