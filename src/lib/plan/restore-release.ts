import type { Rollout } from "../config/schema/config.ts";
import { exclusiveParts, slotName, type FrontImage } from "../fronts/fronts.ts";
import { updateFronts } from "./front-update.ts";
import { readRollouts } from "./rollouts.ts";
import type { KeptRelease } from "../host/kept-release.ts";
import type { Manifest, ManifestFront, ManifestRollout } from "../release/manifest.ts";
import type { ComposeModel } from "../compose/model.ts";
import { mapValues } from "../common/plain.ts";
import { findOneShots } from "../services/one-shots.ts";
import { checksOf } from "../fronts/checks.ts";
import type { Rendered, RenderedFront } from "../release/rendered.ts";
import type { Digest } from "../compose/sources.ts";

export interface RestoreInput {
  /** Name of the Compose project. */
  project: string;
  /** Absolute path, on the host. */
  stateDirectory: string;
  /** By service: the image of the running fronts. Neither a new nor an older release changes it. */
  runningFronts: Readonly<Record<string, FrontImage>>;
  digest: Digest;
}

/** A kept release, prepared to serve again. */
export interface RestoredRelease {
  release: KeptRelease;
  /** As if rendered again, without its tasks: they ran when it was released. */
  rendered: Rendered;
  fronts: Manifest["fronts"];
  /** By service: the settings for its rollout. */
  settings: Record<string, ManifestRollout>;
}

/** Prepares a kept release to serve again: services as they were, and fronts with the image that fronts run now. */
export function restoreRelease(kept: KeptRelease, manifest: Manifest, input: RestoreInput): RestoredRelease {
  const { release, fronts } = withRunningFronts(kept, manifest, input);
  const { rollouts: settings, reach } = readRollouts(kept, manifest);
  // Releases of older versions do not mark one-shots.
  const oneShots = findOneShots(release.model, Object.keys(manifest.services));
  const rendered: Rendered = {
    model: release.model,
    services: mapValues(manifest.services, ({ built, restarts, environment = {}, once, ...service }, name) => ({
      ...service,
      ...(built === undefined ? {} : { built }),
      ...(restarts === undefined ? {} : { restarts }),
      environment,
      ...checksOf(contentOf(name, fronts[name], release.model), manifest.images[service.image]),
      rollout: once === true || (fronts[name] === undefined && oneShots.has(name)) ? "once" : rolloutOf(fronts[name]),
      rolloutReason: "as in that release",
    })),
    fronts: mapValues(fronts, (front, name) => renderFront(name, front, release, settings[name])),
    tasks: {},
    reach,
    images: manifest.images,
    volumeNames: manifest.volumes ?? {},
    files: [],
    notes: [],
  };
  return { release, rendered, fronts, settings };
}

function withRunningFronts(kept: KeptRelease, manifest: Manifest, { runningFronts, ...input }: RestoreInput) {
  const others = Object.entries(manifest.fronts).flatMap(([name, { image, memory }]) => {
    const front = runningFronts[name];
    return front === undefined || (front.image === image && front.memory === memory) ? [] : [{ name, front }];
  });
  return others.reduce(
    ({ release, fronts }, { name, front }) => updateFronts(release, { ...manifest, fronts }, { ...input, front, services: [name] }),
    { release: kept, fronts: manifest.fronts },
  );
}

function renderFront(
  name: string,
  front: ManifestFront,
  { model, configurations }: KeptRelease,
  settings: ManifestRollout = {},
): RenderedFront {
  const hold = configurations[`${name}.hold.cfg`];
  return {
    ...front,
    ports: (settings.ports ?? []).map(({ port }) => ({ port, mode: "auto", proxyProtocol: false })),
    config: configurations[`${name}.cfg`] ?? "",
    ...(hold === undefined ? {} : { hold }),
    moved: [],
    exclusive: exclusiveParts(model.services[name] ?? {}),
  };
}

function rolloutOf(front: ManifestFront | undefined): Rollout {
  if (front === undefined) return "recreate";
  return front.slots.includes("slot") ? "hold" : "blue-green";
}

/** The Compose service that a service's containers come from. */
function contentOf(name: string, front: ManifestFront | undefined, { services }: ComposeModel) {
  const [slot] = front?.slots ?? [];
  return services[slot === undefined ? name : slotName(name, slot)] ?? {};
}
