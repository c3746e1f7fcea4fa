import { readKeptImages } from "../adapters/host-images.ts";
import { openEnvironment } from "./open-environment.ts";

/**
 * Digests that any host of any environment runs or may go back to.
 *
 * @param path of the configuration file; undefined: the nearest one
 * @throws what connecting throws: without an answer of all of them, nobody knows
 */
export async function keptImages(path: string | undefined, environments: readonly string[], signal: AbortSignal): Promise<Set<string>> {
  const kept = await Promise.all(
    environments.map(async (name) => {
      await using environment = await openEnvironment(path, name, signal);
      const { project, connections } = environment;
      return await Promise.all(connections.map((connection) => readKeptImages(connection, project, signal)));
    }),
  );
  return new Set(kept.flat(2));
}
