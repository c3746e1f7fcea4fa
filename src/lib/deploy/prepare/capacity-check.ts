import type { RegistryClient } from "../../adapters/registry/registry.ts";
import { ColdtivateError } from "../../errors.ts";
import { diskShortage, missingImages, type ImageLayer } from "../../plan/capacity/capacity-disk.ts";
import { judgeMemory, memoryNote, memoryShortage } from "../../plan/capacity/capacity-memory.ts";
import { portShortage } from "../../plan/capacity/capacity-ports.ts";
import type { Shortage } from "../../plan/capacity/capacity.ts";
import { compareServices } from "../../plan/steps/compare-services.ts";
import type { HostState } from "../../host/host-state.ts";
import type { Rendered } from "../../release/rendered.ts";

export interface CapacityFacts {
  state: HostState;
  rendered: Rendered;
  /** The images that the plan pulls. */
  images: readonly string[];
  /** Absent if nothing is pulled. */
  registry?: RegistryClient;
}

export interface Capacity {
  shortages: Shortage[];
  notes: string[];
  /** Whether there is only enough memory to start one service at a time beside the running ones. */
  isInTurn: boolean;
}

/**
 * Whether a host has the memory, the disk and the ports that a plan needs. Asks the registry only about images to pull, and about
 * serving images if the disk seems too small.
 */
export async function checkCapacity(facts: CapacityFacts): Promise<Capacity> {
  const { state, rendered } = facts;
  const memory = judgeMemory(compareServices(rendered, state), facts);
  const note = memory && memoryNote(state.host, memory);
  const shortages = [memory && memoryShortage(state.host, memory), await checkDisk(facts), portShortage(rendered, state)];
  return {
    shortages: shortages.filter((shortage) => shortage !== undefined),
    notes: note === undefined ? [] : [note],
    isInTurn: memory?.way === "in turn",
  };
}

/**
 * Refuses a release that does not fit, and lists everything that is missing on any host.
 * @throws ColdtivateError PORT_TAKEN, MEMORY_SHORT or DISK_FULL; CAPACITY_SHORT if several of them apply
 */
export function refuseShortages(shortages: readonly Shortage[]): void {
  const [first] = shortages;
  if (first === undefined) return;
  const isOne = shortages.every(({ code }) => code === first.code);
  const advice = new Set(shortages.map((shortage) => shortage.advice));
  throw new ColdtivateError(isOne ? messages[first.code] : "there is not room enough for this release", {
    code: isOne ? first.code : "CAPACITY_SHORT",
    exit: "refused",
    details: shortages.flatMap(({ details }) => details),
    hint: [...advice].join(" "),
  });
}

const messages: Record<Shortage["code"], string> = {
  PORT_TAKEN: "ports that this release publishes are taken",
  MEMORY_SHORT: "there is not memory enough for this release",
  DISK_FULL: "there is not disk enough for this release",
};

async function checkDisk({ state, images, registry }: CapacityFacts): Promise<Shortage | undefined> {
  const missing = missingImages(images, state);
  if (registry === undefined || state.capacity?.disk === undefined || missing.length === 0) return undefined;
  const layers = await layersOf(missing, registry);
  const shortage = diskShortage(state, layers, new Set());
  if (shortage === undefined) return undefined;
  // We ask which layers the host already has only if they matter. In most cases they do not.
  const serving = Object.values(state.manifest?.services ?? {}).map(({ image }) => image);
  const present = [
    ...(
      await layersOf(
        serving.filter((image) => state.images?.includes(image)),
        registry,
      )
    ).values(),
  ].flat();
  return diskShortage(state, layers, new Set(present.map(({ digest }) => digest)));
}

/**
 * The layers of each image. Leaves out images whose layers the registry does not report: a missing size alone is no reason to
 * refuse.
 */
async function layersOf(images: readonly string[], registry: RegistryClient): Promise<Map<string, ImageLayer[]>> {
  const asked = await Promise.all(
    [...new Set(images)].map(async (image) => [image, await registry.layersOf(image).catch(() => undefined)] as const),
  );
  return new Map(asked.flatMap(([image, layers]) => (layers === undefined ? [] : [[image, layers] as const])));
}
