import { ColdtivateError } from "../errors.ts";
import type { Manifest } from "./manifest.ts";
import { isActive, type ComposeModel } from "../compose/model.ts";
import { isNamed, repositoriesOf } from "./repositories.ts";
import type { PinnedImage } from "./rendered.ts";

export interface Pins {
  /** By reference as written: images whose digest is already known. */
  pinned: Map<string, PinnedImage>;
  /** References that the registry has to be asked about. */
  open: string[];
}

/**
 * Pins the images that a model's services and fronts run:
 *
 * - The project's own images get the digest of the release.
 * - A reference with a digest keeps it.
 * - Any other image keeps the digest that runs, as long as the written reference stays the same.
 *
 * @param own by the repository's name, such as `registry.example.com/group/backend/web`
 * @param front the image of the fronts, as configured; absent if there are none
 */
export function pinImages(
  model: ComposeModel,
  own: ReadonlyMap<string, PinnedImage>,
  current: Manifest | undefined,
  profiles: readonly string[],
  front?: string,
): Pins {
  const pinned = new Map<string, PinnedImage>();
  const open = new Set<string>();
  const known = [...Object.values(current?.fronts ?? {}), ...Object.values(current?.services ?? {})];
  const running = new Map(known.map(({ reference, image }) => [reference, image]));
  const imageless: string[] = [];
  const settle = (reference: string, isNeeded: boolean): void => {
    const mine = own.get(repositoryOf(reference));
    const runs = pinOf(reference, running.get(reference));
    if (mine !== undefined) pinned.set(reference, mine);
    else if (reference.includes("@sha256:")) pinned.set(reference, { image: reference });
    else if (runs !== undefined) pinned.set(reference, { image: runs });
    else if (isNeeded) open.add(reference);
  };
  for (const [name, service] of Object.entries(model.services)) {
    const isNeeded = isActive(service, profiles);
    if (service.image !== undefined) settle(service.image, isNeeded);
    else if (isNeeded) imageless.push(name);
  }
  if (front !== undefined) settle(front, true);
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

/** The image that runs for a reference, if it has a digest and is from the same repository. A host may claim anything. */
function pinOf(reference: string, runs: string | undefined): string | undefined {
  if (runs === undefined || !/@sha256:[0-9a-f]{64}$/.test(runs)) return undefined;
  return isNamed(runs, repositoriesOf([reference])) ? runs : undefined;
}

/** A reference without its tag and digest. For Docker Hub, which has several spellings, the shortest one. */
export function repositoryOf(reference: string): string {
  const name = reference.split("@", 1)[0] ?? reference;
  const colon = name.lastIndexOf(":");
  const repository = colon > name.lastIndexOf("/") ? name.slice(0, colon) : name;
  return repository.replace(/^(?:index\.)?docker\.io\//, "").replace(/^library\/(?=[^/]+$)/, "");
}
