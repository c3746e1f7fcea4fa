import { normalize, posix } from "node:path";
import type { Repository } from "../../../adapters/git/git.ts";
import type { Config } from "../../../config/schema/config.ts";
import { assignImages } from "../../../release/built-images.ts";
import type { HostState } from "../../../host/host-state.ts";

/**
 * The host's merged model, with the project's images for services that use them without naming them.
 * @throws ColdtivateError IMAGE_MISSING_IN_COMPOSE
 */
export function withOwnImages(
  state: HostState,
  { images, registry }: Pick<Config, "images" | "registry">,
  { prefix }: Pick<Repository, "prefix">,
  profiles: readonly string[],
): HostState {
  const below = (...parts: string[]) => normalize(posix.join(prefix, ...parts)).replace(/^\.$|\/$/, "");
  const model = assignImages({
    model: state.model,
    images: Object.values(images).map(({ name, context, dockerfile, target, services = [] }) => ({
      name,
      context: below(context),
      dockerfile: below(context, dockerfile),
      target,
      services,
    })),
    registryImage: registry.image,
    sourceDirectory: state.sourceDirectory,
    profiles,
  });
  return { ...state, model };
}
