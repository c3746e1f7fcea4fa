import { ColdtivateError } from "../errors.ts";
import type { Manifest } from "./manifest.ts";
import { isActive, type ComposeModel } from "./model.ts";
import type { PinnedImage } from "./render.ts";

export interface Pins {
  /** By reference as written: those that are settled. */
  pinned: Map<string, PinnedImage>;
  /** References that the registry has to be asked about. */
  open: string[];
}

/**
 * Sorts the images that a model's services run: the project's own take the digest of the release, one that names a digest
 * keeps it, and any other keeps the digest that runs while the written reference stays the same.
 *
 * @param own by the repository's name, such as `registry.example.com/group/backend/web`
 */
export function pinImages(
  model: ComposeModel,
  own: ReadonlyMap<string, PinnedImage>,
  current: Manifest | undefined,
  profiles: readonly string[],
): Pins {
  const pinned = new Map<string, PinnedImage>();
  const open = new Set<string>();
  const running = new Map(Object.values(current?.services ?? {}).map((service) => [service.reference, service.image]));
  const imageless: string[] = [];
  for (const [name, service] of Object.entries(model.services)) {
    const reference = service.image;
    if (reference === undefined) {
      if (isActive(service, profiles)) imageless.push(name);
      continue;
    }
    const mine = own.get(repositoryOf(reference));
    const known = running.get(reference);
    if (mine !== undefined) pinned.set(reference, mine);
    else if (reference.includes("@sha256:")) pinned.set(reference, { image: reference });
    else if (known?.includes("@sha256:")) pinned.set(reference, { image: known });
    else if (isActive(service, profiles)) open.add(reference);
  }
  if (imageless.length > 0) {
    throw new ColdtivateError("services without an image cannot be deployed", {
      code: "IMAGE_MISSING_IN_COMPOSE",
      exit: "usage",
      details: imageless.map((name) => `${name} has no \`image:\` in the Compose files`),
      hint: "Give each one an image: one of coldtivate.yml's, or one of a registry.",
    });
  }
  return { pinned, open: [...open].toSorted() };
}

/** A reference without its tag and digest. */
export function repositoryOf(reference: string): string {
  const name = reference.split("@", 1)[0] ?? reference;
  const colon = name.lastIndexOf(":");
  return colon > name.lastIndexOf("/") ? name.slice(0, colon) : name;
}
