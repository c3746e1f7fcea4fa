import type { Repository } from "../../../adapters/git/git.ts";
import type { Config } from "../../../config/schema/config.ts";
import { baseChain } from "../../../content/base-chain.ts";
import { joinPaths } from "../../../common/path.ts";

/** The base images of each of the project's images, by name, from its Dockerfile at the commit. */
export async function readBases(
  config: Pick<Config, "images" | "registry" | "build">,
  commit: string,
  repository: Pick<Repository, "readFile">,
): Promise<Map<string, string[]>> {
  const paths = new Map(Object.entries(config.images).map(([name, image]) => [name, joinPaths(image.context, image.dockerfile)]));
  const texts = new Map(
    await Promise.all([...new Set(paths.values())].map(async (path) => [path, await repository.readFile(commit, path)] as const)),
  );
  const dockerfiles = new Map(
    [...paths].flatMap(([name, path]) => {
      const text = texts.get(path);
      return text === undefined ? [] : [[name, text.toString()] as const];
    }),
  );
  const input = { images: config.images, registryImage: config.registry.image, args: config.build.args, dockerfiles };
  return new Map(Object.keys(config.images).map((name) => [name, baseChain(name, input)]));
}
