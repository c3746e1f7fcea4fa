import type { RegistryClient } from "../../../adapters/registry/registry.ts";
import { ColdtivateError } from "../../../errors.ts";
import { imagesToUndo, shortImageName, pullToo } from "../../../plan/lost-images.ts";
import type { HostPlan } from "../../../plan/steps/plan.ts";
import type { HostState } from "../../../host/host-state.ts";

/**
 * Sorts images by whether the registry still has them. Images that neither the commit's Compose files nor coldtivate.yml name are
 * not looked up. They count as gone.
 */
export async function findLostImages(
  images: readonly string[],
  registry: Pick<RegistryClient, "digestOf">,
): Promise<{ there: string[]; gone: string[] }> {
  const digestOf = (image: string) =>
    registry.digestOf(image).catch((error: unknown) => {
      if (error instanceof ColdtivateError && error.code === "IMAGE_NOT_NAMED") return undefined;
      throw error;
    });
  const found = await Promise.all(images.map(async (image) => ({ image, digest: await digestOf(image) })));
  const { there = [], gone = [] } = Object.groupBy(found, ({ digest }) => (digest === undefined ? "gone" : "there"));
  return { there: there.map(({ image }) => image), gone: gone.map(({ image }) => image) };
}

export interface UndoablePlan {
  plan: HostPlan;
  notes: string[];
}

/**
 * Extends a plan so that it can be undone: it pulls the images that the host lost, as far as the registry still has them. If the
 * registry does not answer, the plan is not refused.
 */
export async function makeUndoable(
  plan: HostPlan,
  state: HostState,
  registry: () => Promise<Pick<RegistryClient, "digestOf">>,
): Promise<UndoablePlan> {
  const lost = plan.steps.length === 0 ? [] : imagesToUndo(plan, state);
  if (lost.length === 0) return { plan, notes: [] };
  const { there, gone } = await registry()
    .then((client) => findLostImages(lost, client))
    .catch(() => ({ there: [], gone: lost }));
  return {
    plan: pullToo(plan, there),
    notes: [
      ...(there.length === 0
        ? []
        : [`${state.host} no longer has what serves there, and pulls it, too, so that this can be undone: ${namesOf(there)}`]),
      ...(gone.length === 0
        ? []
        : [
            `${state.host} no longer has what serves there, and it cannot be pulled: if this fails, these may not come back: ${namesOf(gone)}`,
          ]),
    ],
  };
}

function namesOf(images: readonly string[]): string {
  return images.map(shortImageName).join(", ");
}
