import { definitionOf } from "../compose/definition.ts";
import { relaxDependencies, slotService } from "../fronts/fronts.ts";
import { steadyLinks, type LinkFacts } from "../compose/links.ts";
import type { ComposeModel, ComposeService } from "../compose/model.ts";
import { endingService } from "../services/one-shots.ts";
import { mapValues } from "../common/plain.ts";
import { hasFront, type ServiceRollout } from "../fronts/rollout.ts";
import { tiesOf } from "../compose/sharing.ts";
import type { Digest } from "../compose/sources.ts";

/** The definition of a service's own containers, the same for every slot. */
export function contentOf(
  written: ComposeService,
  rollout: ServiceRollout | undefined,
  isFronted: (service: string) => boolean,
  facts: LinkFacts,
): ComposeService {
  const service = relaxDependencies(steadyLinks(rollout?.rollout === "once" ? endingService(written) : written, facts), isFronted);
  return rollout !== undefined && hasFront(rollout) ? slotService(service) : service;
}

/**
 * Computes definition digests of services, by name. A digest also covers the services that the service is replaced with, directly
 * and indirectly.
 */
export function definitions(
  contents: Readonly<Record<string, ComposeService>>,
  frame: ComposeModel,
  digest: Digest,
): (name: string) => string {
  const own = mapValues(contents, (content) => definitionOf(content, frame, digest));
  const tied = mapValues(contents, (content, name) => {
    const ties = Object.fromEntries(
      tiesOf(name, frame.services).flatMap((target) => (own[target] === undefined ? [] : [[target, own[target]]])),
    );
    return definitionOf(content, frame, digest, ties);
  });
  return (name) => tied[name] ?? "";
}
