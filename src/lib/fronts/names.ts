import type { TaskConfig } from "../config/schema/config.ts";
import { ColdtivateError } from "../errors.ts";
import { slotName, slotsOf } from "./fronts.ts";
import { defaultContainerName, type ComposeModel, type ComposeService } from "../compose/model.ts";
import type { ServiceRollout } from "./rollout.ts";

/** The longest part of a host name. */
const longestLabel = 63;

export interface NamesInput {
  model: ComposeModel;
  rollouts: ReadonlyMap<string, ServiceRollout>;
  tasks: readonly TaskConfig[];
  /** Name of the Compose project. */
  project: string;
}

/**
 * Checks the names of services that a release adds to those of the Compose files. They must be free, and valid host names.
 * @throws ColdtivateError NAME_TAKEN, NAME_TOO_LONG
 */
export function checkNames(input: NamesInput): void {
  const taken = [...takenByTasks(input), ...takenByFronts(input)];
  if (taken.length > 0) {
    throw new ColdtivateError("names in the Compose files are needed for something else", {
      code: "NAME_TAKEN",
      exit: "usage",
      details: taken,
      hint: "Rename one of the two.",
    });
  }
  const long = tooLong(input);
  if (long.length > 0) {
    throw new ColdtivateError("names are too long to be host names", {
      code: "NAME_TOO_LONG",
      exit: "usage",
      details: long,
      hint: `A host name has at most ${longestLabel} characters: give the service a shorter name, with the former one as a network alias, or set \`rollout: recreate\` for it.`,
    });
  }
}

function takenByTasks({ model: { services }, tasks }: NamesInput): string[] {
  const own = tasks.flatMap(({ name, undo }) => [
    { task: name, service: `task-${name}`, what: "runs" },
    ...(undo === undefined ? [] : [{ task: name, service: `undo-${name}`, what: "is taken back" }]),
  ]);
  return own
    .filter(({ service }) => Object.hasOwn(services, service))
    .map(({ task, service, what }) => `the task ${task} ${what} as ${service}, which is a service of the Compose files`);
}

/**
 * A front has the name of the container that it replaces. Slots have names of their own, which must not be the host name or
 * container name of another service.
 */
function takenByFronts({ model: { services }, rollouts, project }: NamesInput): string[] {
  return [...rollouts].flatMap(([service, rollout]) => {
    const slots = slotsOf(rollout).map((slot) => slotName(service, slot));
    if (slots.length === 0) return [];
    const container = defaultContainerName(project, service);
    return Object.entries(services).flatMap(([other, settings]) => {
      if (other === service) return [];
      const { hostname, container_name: called = "" } = settings;
      const hosts = slots
        .filter((slot) => slot === hostname)
        .map((slot) => `${slot}, one of ${service}'s slots, is the hostname of ${other}`);
      const isFront = other === container || namesOf(settings).includes(container);
      const isSlot = slots.some(
        (slot) => called.startsWith(`${project}-${slot}-`) && /^\d+$/.test(called.slice(project.length + slot.length + 2)),
      );
      const contained = isSlot ? [`${called}, which a container of ${service}'s slot is called, is the container_name of ${other}`] : [];
      return [...hosts, ...contained, ...(isFront ? [`${container}, as which others find ${service}, is a name of ${other}`] : [])];
    });
  });
}

function namesOf({ container_name: own, hostname, networks }: ComposeService): unknown[] {
  return [own, hostname, ...Object.values(networks ?? {}).flatMap((attachment) => attachment?.aliases ?? [])];
}

function tooLong({ rollouts }: NamesInput): string[] {
  return [...rollouts].flatMap(([service, rollout]) => {
    const slot = slotsOf(rollout)
      .map((each) => slotName(service, each))
      .find((name) => name.length > longestLabel);
    return slot === undefined ? [] : [`${slot}, as which the front of ${service} would find it, has ${slot.length} characters`];
  });
}
