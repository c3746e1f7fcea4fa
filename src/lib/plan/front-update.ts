import { definitionOf } from "../compose/definition.ts";
import { exclusiveParts, frontAliases, frontService, type FrontImage } from "../fronts/fronts.ts";
import type { KeptRelease } from "../host/kept-release.ts";
import { labels } from "../fronts/labels.ts";
import type { Manifest } from "../release/manifest.ts";
import type { Digest } from "../compose/sources.ts";

export interface FrontUpdate {
  /** Name of the Compose project. */
  project: string;
  /** Absolute path, on the host. */
  stateDirectory: string;
  /** The image for the fronts. */
  front: FrontImage;
  /** The services whose fronts are updated. */
  services: readonly string[];
  digest: Digest;
}

export interface UpdatedFronts {
  release: KeptRelease;
  fronts: Manifest["fronts"];
  /** By service: what a new front cannot have while the old one exists. */
  exclusive: Record<string, string[]>;
}

/** Gives a release other fronts. Nothing else changes. */
export function updateFronts(kept: KeptRelease, manifest: Manifest, update: FrontUpdate): UpdatedFronts {
  const { project, stateDirectory, front, digest } = update;
  const services = { ...kept.model.services };
  const fronts = { ...manifest.fronts };
  const exclusive: Record<string, string[]> = {};
  const replaced = new Map<string, string>();
  for (const name of update.services) {
    const [written, known] = [services[name], fronts[name]];
    if (written === undefined || known === undefined) continue;
    const service = frontService(written, front, `${stateDirectory}/fronts/${name}`, frontAliases(name, written, project));
    const definition = definitionOf(service, kept.model, digest);
    services[name] = { ...service, labels: { ...service.labels, [labels.definition]: definition, [labels.state]: stateDirectory } };
    const { memory: _memory, ...rest } = known;
    fronts[name] = {
      ...rest,
      definition,
      reference: front.reference,
      image: front.image,
      ...(front.memory === undefined ? {} : { memory: front.memory }),
    };
    exclusive[name] = exclusiveParts(service);
    if (known.image !== front.image) replaced.set(known.image, front.image);
  }
  const left = new Set(Object.values(fronts).map(({ image }) => image));
  const full = kept.full.map((line) => replaceImages(line, replaced, left));
  return { release: { ...kept, model: { ...kept.model, services }, full }, fronts, exclusive };
}

/** Replaces the images of updated fronts in a `pull` line. An old image stays if another front still runs it. */
function replaceImages(line: string, replaced: ReadonlyMap<string, string>, left: ReadonlySet<string>): string {
  const [verb, ...images] = line.split("\t");
  if (verb !== "pull") return line;
  const pulled = images.flatMap((image) => [
    ...(replaced.has(image) && !left.has(image) ? [] : [image]),
    ...(replaced.has(image) ? [replaced.get(image) ?? image] : []),
  ]);
  return [verb, ...new Set(pulled)].join("\t");
}
