import { definitionOf } from "../compose/definition.ts";
import { frontConfig, holdConfig } from "../fronts/front-config.ts";
import { frontSettings } from "../fronts/front-settings.ts";
import { exclusiveParts, frontAliases, frontService, movedParts, type FrontImage, type Slot } from "../fronts/fronts.ts";
import { labels } from "../fronts/labels.ts";
import { replicas, type ComposeModel, type ComposeService } from "../compose/model.ts";
import type { RenderedFront, RenderInput } from "./rendered.ts";
import type { ServiceRollout } from "../fronts/rollout.ts";

/**
 * Renders a service's front: its Compose service and its settings.
 * @param frame the rendered model without fronts and slots
 */
export function renderFront(
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

/** Labels a service, so that its containers say which definition they were created from. */
export function label(service: ComposeService, definition: string, { stateDirectory }: RenderInput): ComposeService {
  return { ...service, labels: { ...service.labels, [labels.definition]: definition, [labels.state]: stateDirectory } };
}
